package eventstore

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore/internal/batch"
	"github.com/songan-vn/songan/libs/plainjson"
)

// lodged is a fact of usual size.
type lodged struct {
	Facility string    `json:"facility"`
	Guest    string    `json:"guest"`
	Room     string    `json:"room"`
	Rule     string    `json:"rule"`
	Reasons  []string  `json:"reasons"`
	At       time.Time `json:"at"`
	Due      time.Time `json:"due"`
	Late     bool      `json:"late"`
}

func (lodged) EventName() string { return "test.lodged.v1" }

// The bounds of what is remembered are only as good as the weight of a fact.
func TestAFactWeighsWhatItTakes(t *testing.T) { // alone: it looks at the heap
	const facts = 4000
	catalog := events.NewCatalog([]events.Event{lodged{}})
	s, form := &Store{catalog: catalog}, batch.Form{Catalog: catalog, JSON: plainjson.Standard()}
	before := heap()
	kept, weight := make([]Stored, 0, facts), 0
	for i := range facts {
		text := func(n int) string { return fmt.Sprintf("%0*d", n, i) }
		c := form.New(batch.Draft{
			Stream: text(50),
			Facts: []events.Event{lodged{
				Facility: text(36), Guest: text(36), Room: text(10), Rule: text(20), Reasons: []string{text(30), text(30)}, At: time.Now(), Due: time.Now(),
			}},
			Meta: events.Meta{Cause: text(70), Correlation: text(40), Actor: text(45), Trace: text(55), Fingerprint: text(64)},
		})
		for _, r := range stored(c) {
			if _, err := s.decode(r); err != nil {
				t.Fatal(err)
			}
			kept, weight = append(kept, r), weight+r.weight()
		}
	}
	taken := heap() - before
	t.Logf("%d bytes a fact of %d bytes of JSON, weighed as %d", taken/facts, len(kept[0].Data), weight/facts)
	if ratio := float64(taken) / float64(weight); ratio < 0.8 || ratio > 1.2 {
		t.Errorf("facts take %.2f times what they weigh", ratio)
	}
	runtime.KeepAlive(kept)
}

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
