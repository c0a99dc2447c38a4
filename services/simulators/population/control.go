package population

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/internal/control"
)

// peopleLimit is how many people one call can enter, peopleBodyLimit how long its body may be.
const (
	peopleLimit     = 10_000
	peopleBodyLimit = 4 << 20
)

func (s *Simulator) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /control/faults", s.showFaults)
	mux.HandleFunc("POST /control/faults", s.setFaults)
	mux.HandleFunc("DELETE /control/faults", s.clearFaults)
	mux.HandleFunc("POST /control/people", s.addPeople)
	mux.HandleFunc("GET /control/counters", s.showCounters)
	mux.HandleFunc("GET /control/counters/{hash}", s.showCounter)
	mux.HandleFunc("GET /control/numbers", s.showNumbers)
	mux.HandleFunc("POST /control/reset", s.reset)
	return control.Only(mux)
}

func (s *Simulator) showFaults(w http.ResponseWriter, _ *http.Request) {
	faults, _, _ := s.faults.get()
	control.Write(w, http.StatusOK, faults)
}

func (s *Simulator) setFaults(w http.ResponseWriter, r *http.Request) {
	var f Faults
	if err := control.Read(w, r, bodyLimit, &f); err != nil {
		control.Refuse(w, http.StatusBadRequest, "body_malformed", err.Error())
		return
	}
	if err := f.check(); err != nil {
		control.Refuse(w, http.StatusUnprocessableEntity, "faults_invalid", err.Error())
		return
	}
	s.faults.set(f)
	control.Write(w, http.StatusOK, f)
}

func (s *Simulator) clearFaults(w http.ResponseWriter, _ *http.Request) {
	s.faults.set(Faults{})
	w.WriteHeader(http.StatusNoContent)
}

// addPeople enters people beside the register, all of them or none.
func (s *Simulator) addPeople(w http.ResponseWriter, r *http.Request) {
	var body struct {
		People []Question `json:"people"`
	}
	if err := control.Read(w, r, peopleBodyLimit, &body); err != nil {
		control.Refuse(w, http.StatusBadRequest, "body_malformed", "send people with number, full_name, birth_date and sex")
		return
	}
	entries, err := entriesOf(body.People)
	if err != nil {
		control.Refuse(w, http.StatusUnprocessableEntity, "people_invalid", err.Error())
		return
	}
	if err := s.extra.add(entries); err != nil {
		control.Refuse(w, http.StatusUnprocessableEntity, "too_many_people", err.Error())
		return
	}
	control.Write(w, http.StatusOK, map[string]int{"entered": len(entries)})
}

// Enter adds people beside the register, all of them or none: what POST /control/people does, for callers in the
// same process.
func (s *Simulator) Enter(people ...Question) error {
	entries, err := entriesOf(people)
	if err != nil {
		return err
	}
	return s.extra.add(entries)
}

func entriesOf(people []Question) (map[string]entry, error) {
	if len(people) == 0 || len(people) > peopleLimit {
		return nil, fmt.Errorf("enter 1 to %d people at once", peopleLimit)
	}
	entries := make(map[string]entry, len(people))
	for i, p := range people {
		e, err := entryOf(p)
		if err != nil {
			return nil, fmt.Errorf("person %d: %w", i, err)
		}
		entries[p.Number] = e
	}
	return entries, nil
}

func entryOf(p Question) (e entry, err error) {
	if _, err = vn.ParseCitizenID(p.Number); err != nil {
		return entry{}, fmt.Errorf("number: %w", err)
	}
	if e.FullName, err = vn.ParseName(p.FullName); err != nil {
		return entry{}, fmt.Errorf("name: %w", err)
	}
	if e.BirthDate, err = vn.ParsePartialDate(p.BirthDate); err != nil {
		return entry{}, fmt.Errorf("birth date: %w", err)
	}
	e.Sex, err = vn.ParseSex(p.Sex)
	return e, err
}

func (s *Simulator) showCounters(w http.ResponseWriter, _ *http.Request) {
	control.Write(w, http.StatusOK, s.counters.total())
}

// received is how often checks of one number came in.
type received struct {
	NumberHash string `json:"number_hash"`
	Received   uint32 `json:"received"`
}

func (s *Simulator) showCounter(w http.ResponseWriter, r *http.Request) {
	var hash NumberHash
	text := r.PathValue("hash")
	if n, err := hex.Decode(hash[:], []byte(text[:min(len(text), 2*len(hash))])); err != nil || n != len(hash) || len(text) != 2*n {
		control.Refuse(w, http.StatusNotFound, "hash_malformed", "a hash has 32 hexadecimal digits")
		return
	}
	control.Write(w, http.StatusOK, received{hash.String(), s.counters.of(hash)})
}

// showNumbers streams one JSON line per number.
func (s *Simulator) showNumbers(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	for hash, times := range s.counters.all() {
		if err := encoder.Encode(received{hash.String(), times}); err != nil {
			return // the caller is gone
		}
	}
}

// reset forgets what was counted and goes back to the faults of the start. People who were entered stay.
func (s *Simulator) reset(w http.ResponseWriter, _ *http.Request) {
	s.counters.reset()
	s.faults.set(s.faults.base)
	w.WriteHeader(http.StatusNoContent)
}

// SetFaults replaces what goes wrong: what POST /control/faults does, for callers in the same process.
func (s *Simulator) SetFaults(f Faults) error {
	if err := f.check(); err != nil {
		return err
	}
	s.faults.set(f)
	return nil
}

// Totals returns what GET /control/counters shows.
func (s *Simulator) Totals() Totals { return s.counters.total() }

// Received returns how often a citizen number was asked for.
func (s *Simulator) Received(number string) int { return int(s.counters.of(Hash(number))) }
