package population

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/internal/control"
)

// Question is the body of POST /v1/checks. Birth date ("1990", "1990-01" or "1990-01-15") and sex may be missing;
// what is missing is not compared.
type Question struct {
	Number    string `json:"number"`
	FullName  string `json:"full_name"`
	BirthDate string `json:"birth_date,omitempty"`
	Sex       string `json:"sex,omitempty"`
}

// Results of a check.
const (
	Matched    = "matched"
	Mismatched = "mismatched"
	NotFound   = "not_found"
)

// NoteAccents says that the name matches save for its accents.
const NoteAccents = "accents"

// Answer is the body of a 200.
type Answer struct {
	Result string `json:"result"`
	// Differs names the fields that differ: full_name, birth_date, sex. Never a value.
	Differs []string `json:"differs"`
	// Notes says what is worth knowing about a match.
	Notes []string `json:"notes,omitempty"`
}

func (s *Simulator) checkRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { control.Write(w, http.StatusOK, struct{}{}) })
	mux.HandleFunc("POST /v1/checks", s.check)
	return mux
}

func (s *Simulator) check(w http.ResponseWriter, r *http.Request) {
	select {
	case s.inFlight <- struct{}{}:
		defer func() { <-s.inFlight }()
	default:
		control.Refuse(w, http.StatusServiceUnavailable, "busy", "too many checks at once")
		return
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if s.key == "" || subtle.ConstantTimeCompare([]byte(token), []byte(s.key)) != 1 {
		control.Refuse(w, http.StatusUnauthorized, "key_refused", "send the key as a bearer token")
		return
	}
	var q Question
	if err := control.Read(w, r, bodyLimit, &q); err != nil {
		control.Refuse(w, http.StatusBadRequest, "body_malformed", "send number, full_name, birth_date and sex as a JSON object")
		return
	}
	// Every check counts, also the ones that fail on purpose: the client did ask.
	asked := s.counters.asked(Hash(q.Number))
	answer, why := s.compare(q)
	if why != "" {
		control.Refuse(w, http.StatusUnprocessableEntity, why, "the value of a field cannot be read")
		return
	}
	s.respond(w, r, verdict{answer: answer, question: q, asked: asked})
}

// compare answers honestly, or says which field cannot be read.
func (s *Simulator) compare(q Question) (answer Answer, why string) {
	if _, err := vn.ParseCitizenID(q.Number); err != nil {
		return Answer{}, "number_malformed"
	}
	birth, err := vn.ParsePartialDate(q.BirthDate)
	if err != nil && q.BirthDate != "" {
		return Answer{}, "birth_date_malformed"
	}
	sex, err := vn.ParseSex(q.Sex)
	if err != nil && q.Sex != "" {
		return Answer{}, "sex_malformed"
	}
	if vn.NormalizeName(q.FullName) == "" {
		return Answer{}, "full_name_missing"
	}
	known, found := s.find(q.Number)
	if !found {
		return Answer{Result: NotFound, Differs: []string{}}, ""
	}
	answer = Answer{Result: Matched, Differs: []string{}}
	switch vn.CompareNames(q.FullName, known.FullName) {
	case vn.OtherName:
		answer.Differs = append(answer.Differs, "full_name")
	case vn.OtherAccents:
		answer.Notes = []string{NoteAccents}
	}
	if q.BirthDate != "" && !birth.Agrees(known.BirthDate) {
		answer.Differs = append(answer.Differs, "birth_date")
	}
	if q.Sex != "" && sex != known.Sex {
		answer.Differs = append(answer.Differs, "sex")
	}
	if len(answer.Differs) > 0 {
		answer.Result = Mismatched
	}
	return answer, ""
}

// entry is what the register knows about somebody.
type entry struct {
	FullName  string
	BirthDate vn.PartialDate
	Sex       vn.Sex
}

func (s *Simulator) find(number string) (entry, bool) {
	if e, found := s.extra.find(number); found {
		return e, true
	}
	p, found := s.register.Lookup(number)
	return entry{p.FullName, p.BirthDate, p.Sex}, found
}

// extraLimit is how many people can be entered beside the register.
const extraLimit = 100_000

// extra are people who were entered beside the register. They come before the register.
type extra struct {
	mu     sync.RWMutex
	people map[string]entry
}

func (e *extra) find(number string) (entry, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	found, ok := e.people[number]
	return found, ok
}

func (e *extra) add(people map[string]entry) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.people == nil {
		e.people = map[string]entry{}
	}
	if len(e.people)+len(people) > extraLimit {
		return fmt.Errorf("at most %d people can be entered", extraLimit)
	}
	for number, person := range people {
		e.people[number] = person
	}
	return nil
}
