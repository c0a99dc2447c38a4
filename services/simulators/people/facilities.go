package people

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

// Kind is what sort of place lodges people: the state portal's six.
type Kind string

// The six kinds, as in the contract.
const (
	Tourist       Kind = "tourist"
	Dormitory     Kind = "dormitory"
	Medical       Kind = "medical"
	Household     Kind = "household"
	BoardingHouse Kind = "boarding_house"
	Other         Kind = "other"
)

// Kinds lists the six kinds.
func Kinds() []Kind { return []Kind{Tourist, Dormitory, Medical, Household, BoardingHouse, Other} }

// Facility is a place that lodges people. JSON tags are those of the contract.
type Facility struct {
	Name    string `json:"name"`
	Kind    Kind   `json:"kind"`
	Unit    string `json:"unit"`
	Address string `json:"address"`
	Phone   string `json:"phone"`
	// Contact is the person in charge.
	Contact      string `json:"contact"`
	Organisation bool   `json:"organisation,omitzero"`
	// Beds is how many people it can hold.
	Beds int `json:"-"`
}

// facilityPattern is how facilities of one sort are called.
type facilityPattern struct {
	organisation bool
	least, most  int
	name         string
}

func newPlaces() (map[string]*weighted[facilityPattern], []string, error) {
	rows, err := lines("facilities.tsv", 6)
	if err != nil {
		return nil, nil, err
	}
	places := map[string]*weighted[facilityPattern]{}
	for _, row := range rows {
		least, err := strconv.Atoi(row[3])
		if err != nil {
			return nil, nil, fmt.Errorf("read fewest beds: %w", err)
		}
		most, err := strconv.Atoi(row[4])
		if err != nil {
			return nil, nil, fmt.Errorf("read most beds: %w", err)
		}
		if places[row[0]] == nil {
			places[row[0]] = &weighted[facilityPattern]{}
		}
		pattern := facilityPattern{row[2] == "organisation", least, most, row[5]}
		if err := places[row[0]].add(pattern, row[1]); err != nil {
			return nil, nil, fmt.Errorf("facilities.tsv: %w", err)
		}
	}
	rows, err = lines("businesses.txt", 1)
	if err != nil {
		return nil, nil, err
	}
	var brands []string
	for _, row := range rows {
		brands = append(brands, row[0])
	}
	return places, brands, nil
}

// Facility returns facility number n of that kind in a commune of the register's day. It panics on a kind that is
// not one of the six.
func (r *Register) Facility(kind Kind, commune units.Unit, n uint64) Facility {
	code, err := strconv.ParseUint(commune.Code, 10, 32)
	patterns, number := r.places[string(kind)], slices.Index(Kinds(), kind)
	if err != nil || patterns == nil {
		panic(fmt.Sprintf("people: no %q in %q", kind, commune.Code)) //nolint:forbidigo // a mistake in code, not input
	}
	d := dice.New(r.seed, 'p', code, n, uint64(number))
	pattern := patterns.draw(d)
	man, woman := r.contact(d, vn.Male), r.contact(d, vn.Female)
	contact := man
	if strings.Contains(pattern.name, "{woman}") || !strings.Contains(pattern.name, "{man}") && d.OneIn(2) {
		contact = woman
	}
	province := commune
	if p, found := r.homes.dir.Province(commune, r.asOf); found {
		province = p
	}
	name := strings.NewReplacer(
		"{name}", dice.Pick(d, r.brands), "{commune}", commune.ShortName(), "{province}", province.ShortName(),
		"{man}", man, "{woman}", woman, "{given}", contact[strings.LastIndexByte(contact, ' ')+1:],
	).Replace(pattern.name)
	return Facility{
		Name: name, Kind: kind, Unit: commune.Code, Address: r.homes.address(d, commune), Phone: phone(d),
		Contact: contact, Organisation: pattern.organisation, Beds: d.Between(pattern.least, pattern.most),
	}
}

// contact draws a name for an adult who is in charge of a facility.
func (r *Register) contact(d *dice.Dice, sex vn.Sex) string {
	return r.names.kinh(d, where{place: dice.Pick(d, r.cells.places), sex: sex, birthYear: d.Between(1960, 1998)})
}
