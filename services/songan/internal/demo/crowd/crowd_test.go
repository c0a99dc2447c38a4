package crowd_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/crowd"
)

func TestWhoeverIsMetIsOfTheAgeAskedForAndMetOnce(t *testing.T) {
	t.Parallel()
	register, err := people.New(people.Options{Seed: 6})
	if err != nil {
		t.Fatal(err)
	}
	today := vn.MustDate(2026, time.November, 21)
	rapid.Check(t, func(t *rapid.T) {
		o := crowd.Options{Seed: rapid.Uint64().Draw(t, "seed"), Name: rapid.String().Draw(t, "name"), Register: register, Today: today}
		c := crowd.New(o, rand.New(rand.NewPCG(1, 2)))
		met := map[string]bool{}
		for range 20 {
			least := rapid.IntRange(0, 80).Draw(t, "least")
			most := least + rapid.IntRange(5, 15).Draw(t, "years")
			p := c.Aged(least, most)
			if met[p.Document.Number] {
				t.Fatal("somebody is met twice")
			}
			met[p.Document.Number] = true
			if p.BirthDate.Latest().YearsUntil(today) < least || p.BirthDate.Earliest().YearsUntil(today) > most {
				t.Fatalf("born %s, asked for %d to %d", p.BirthDate, least, most)
			}
			if strange, ok := c.Strange(p); ok {
				if _, known := register.Lookup(strange.Document.Number); known {
					t.Fatal("the register knows who should be strange")
				}
			}
			if vn.CompareNames(c.Misspelt(p).FullName, p.FullName) != vn.OtherName {
				t.Fatal("a misspelt name is the right one")
			}
		}
	})
}
