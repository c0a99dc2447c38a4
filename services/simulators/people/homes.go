package people

import (
	"fmt"
	"strconv"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

// homes knows where people born in a province live today.
type homes struct {
	streets  []string
	asOf     vn.Date
	dir      *units.Directory
	byPrefix map[int]string          // citizen number prefix -> code of today's province
	communes map[string][]units.Unit // code of today's province -> its communes
	cities   []string                // codes of the provinces that people move to
}

func newHomes(directory *units.Directory, asOf vn.Date) (*homes, error) {
	h := &homes{
		asOf: asOf, dir: directory, byPrefix: map[int]string{}, communes: map[string][]units.Unit{},
		cities: []string{"01", "79", "79", "75", "31", "48", "24"},
	}
	rows, err := lines("streets.txt", 1)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		h.streets = append(h.streets, row[0])
	}
	return h, h.readProvinces()
}

func (h *homes) readProvinces() error {
	lastDay := vn.MustDate(2025, time.June, 30)
	for _, prefix := range vn.CitizenPrefixes() {
		old, found := h.dir.Find(prefix[1:], lastDay)
		if !found {
			return fmt.Errorf("the prefix %s names no province", prefix)
		}
		today := h.dir.On(old, h.asOf)
		if len(today) != 1 {
			return fmt.Errorf("the province %s became %d provinces", old.Code, len(today))
		}
		number, err := strconv.Atoi(prefix)
		if err != nil {
			return fmt.Errorf("read prefix %s: %w", prefix, err)
		}
		h.byPrefix[number] = today[0].Code
		if h.communes[today[0].Code] == nil { // several old provinces became one
			h.communes[today[0].Code] = h.dir.Communes(today[0], h.asOf)
		}
	}
	return nil
}

// draw returns an address: six of seven people live in the province of their birth, the others in the cities.
func (h *homes) draw(d *dice.Dice, born place) *Residence {
	province := h.byPrefix[born.prefix]
	if d.OneIn(7) {
		province = dice.Pick(d, h.cities)
	}
	commune := dice.Pick(d, h.communes[province])
	return &Residence{Text: h.address(d, commune), Unit: commune.Code}
}

// address writes street and commune as people in a town or in a village do.
func (h *homes) address(d *dice.Dice, commune units.Unit) string {
	where := fmt.Sprintf("thôn %d", d.Between(1, 12))
	if commune.Name != "Xã "+commune.ShortName() {
		where = fmt.Sprintf("số %d %s", d.Between(1, 400), dice.Pick(d, h.streets))
	}
	return where + ", " + h.dir.FullName(commune, h.asOf)
}
