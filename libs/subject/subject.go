// Package subject is what one service keeps about one person, as that person may ask for it (Law 91/2025/QH15): the facts about
// them, the rows of the vault that those facts name, what the rows say, and who read them.
//
//  1. Where that is, each service says with a [Trail]. It names streams that are about the person, and streams of others in
//     whose facts they occur: who receives for somebody, or holds the account.
//  2. A row is followed only if its purpose is about nobody else. Of a row about many people the person gets their part.
//  3. Others are hidden in remarks. What is left out is said.
//  4. Telling is recorded as a reading, with the officer and the case.
//  5. Behind a key that read the person stands who gave it out, and could have used it; a [Trail] names them.
package subject

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn/person"
)

// Trail is where a service has something about one person.
type Trail struct {
	// Streams hold facts about the person.
	Streams []string
	// Mentions are streams about others. Of those only the facts count that name one of Refs, the person's references.
	Mentions []string
	Refs     []vault.Ref
	// Follow lists the purposes of rows that are the person's if such a fact names them.
	Follow []string
	// Rows are the person's as well; what they say is what Part makes of them, nil for everything.
	Rows []vault.Ref
	Part func(ref vault.Ref, row vault.Plain) (any, error)
	// Issuers names who gave out the keys of some actors, by actor; nil where no key of the service's own reads anybody.
	Issuers func(ctx context.Context, actors []string) (map[string]string, error)
}

// Reading is that somebody read the person.
type Reading struct {
	vault.Disclosure

	KeyIssuedBy string `json:"key_issued_by,omitzero" doc:"who was given the key's token, if it was read by a key of a facility"`
}

// Readings puts to recorded readings who stands behind their keys.
func (t Trail) Readings(ctx context.Context, recorded []vault.Disclosure) ([]Reading, error) {
	all, actors := make([]Reading, len(recorded)), map[string]bool{}
	for i, r := range recorded {
		all[i].Disclosure = r
		actors[r.Actor] = true
	}
	if t.Issuers == nil {
		return all, nil
	}
	issuers, err := t.Issuers(ctx, slices.Collect(maps.Keys(actors)))
	for i, r := range recorded {
		all[i].KeyIssuedBy = issuers[r.Actor]
	}
	return all, err
}

// Keys are what one service tells another of a person.
type Keys struct {
	// Own are the ids of what is the person's own: their files, their accounts.
	Own []string `json:"own" maxItems:"500"`
	// Mentions are ids of others' files in which the person occurs by one of Refs.
	Mentions []string    `json:"mentions" maxItems:"500"`
	Refs     []vault.Ref `json:"refs" maxItems:"1000"`
}

// Fact is something that is recorded about the person.
type Fact struct {
	Stream     string    `json:"stream"`
	Type       string    `json:"type"`
	OccurredAt time.Time `json:"occurred_at"`
	RecordedAt time.Time `json:"recorded_at"`
	Fact       any       `json:"fact" doc:"as it stands in the log; people and numbers are references"`
}

// Holding is a row of a vault with what it says.
type Holding struct {
	vault.Holding

	// Content is what the row says; empty where it is not told (an erasure), or does not open.
	Content    any  `json:"content,omitempty"`
	Unreadable bool `json:"unreadable,omitzero" doc:"the row was damaged or tampered with"`
}

// Report is what one service keeps about a person.
type Report struct {
	Service  string    `json:"service"`
	Holdings []Holding `json:"holdings"`
	Facts    []Fact    `json:"facts"`
	Readings []Reading `json:"readings" doc:"who read the person, when and why"`
	// Cut says that there is more than a report holds.
	Cut bool `json:"cut,omitzero" doc:"there are more facts than a report holds"`
}

// MostFacts bounds the facts of a report: a life of monthly payments has some thousands.
const MostFacts = 20_000

const factsOf = `
select stream, type, data, (meta->>'occurred_at')::timestamptz, recorded_at
  from events
 where stream = any($1)
    or stream = any($2) and exists (select from unnest($3::text[]) as r (ref) where position(r.ref in data::text) > 0)
 order by position
 limit $4`

// Facts reads the facts of a trail, the oldest first. cut says that there are more.
func (t Trail) Facts(ctx context.Context, pool *pgxpool.Pool) (all []Fact, cut bool, err error) {
	if len(t.Streams)+len(t.Mentions) == 0 {
		return []Fact{}, false, nil
	}
	rows, err := pool.Query(ctx, factsOf, t.Streams, t.Mentions, t.Refs, MostFacts+1)
	if err != nil {
		return nil, false, fmt.Errorf("read facts about a person: %w", err)
	}
	all = []Fact{}
	var f Fact
	var data []byte
	var occurred *time.Time
	_, err = pgx.ForEachRow(rows, []any{&f.Stream, &f.Type, &data, &occurred, &f.RecordedAt}, func() error {
		f.OccurredAt, f.Fact = f.RecordedAt, nil
		if occurred != nil {
			f.OccurredAt = *occurred
		}
		if err := json.Unmarshal(data, &f.Fact); err != nil {
			return fmt.Errorf("a fact of %s is no JSON", f.Stream)
		}
		all = append(all, f)
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("read facts about a person: %w", err)
	}
	return all[:min(len(all), MostFacts)], len(all) > MostFacts, nil
}

// references are those that facts name, each once. They may be of this vault or of another one.
func references(facts []Fact) []vault.Ref {
	found := map[vault.Ref]bool{}
	for _, f := range facts {
		collect(f.Fact, found)
	}
	return slices.Sorted(maps.Keys(found))
}

func collect(value any, into map[vault.Ref]bool) {
	switch v := value.(type) {
	case string:
		if vault.IsRef(v) {
			into[vault.Ref(v)] = true
		}
	case []any:
		for _, member := range v {
			collect(member, into)
		}
	case map[string]any:
		for _, member := range v {
			collect(member, into)
		}
	}
}

// RowsOf are the references of the rows that a trail leads to, beside those that the person was found by. Facts about others
// lead to none: what is said in a remark there is about them.
func (t Trail) RowsOf(ctx context.Context, v *vault.Vault, facts []Fact) ([]vault.Ref, error) {
	own := slices.DeleteFunc(slices.Clone(facts), func(f Fact) bool { return !slices.Contains(t.Streams, f.Stream) })
	named, err := v.Holdings(ctx, references(own)...)
	if err != nil {
		return nil, err
	}
	refs := slices.Clone(t.Rows)
	for _, h := range named {
		if slices.Contains(t.Follow, h.Purpose) && !slices.Contains(refs, h.Ref) {
			refs = append(refs, h.Ref)
		}
	}
	return refs, nil
}

// Show puts what rows say to their names. Remarks are shown without other people in them.
func (t Trail) Show(holdings []vault.Holding, contents vault.Contents) ([]Holding, error) {
	all := make([]Holding, 0, len(holdings))
	for _, h := range holdings {
		shown := Holding{Holding: h, Unreadable: contents.Damaged[h.Ref]}
		if row, there := contents.Found[h.Ref]; there {
			var err error
			if shown.Content, err = t.content(h, row); err != nil {
				return nil, err
			}
		}
		all = append(all, shown)
	}
	return all, nil
}

func (t Trail) content(h vault.Holding, row vault.Plain) (any, error) {
	switch {
	case t.Part != nil && slices.Contains(t.Rows, h.Ref):
		return t.Part(h.Ref, row)
	case h.Purpose == vault.NotePurpose:
		var note vault.Note
		err := row.Decode(&note)
		return vault.Note{Text: person.Hide(note.Text)}, err
	}
	var whole any
	err := row.Decode(&whole)
	return whole, err
}

// Tell reports what a trail leads to, and rows that the person was found by. The reading is recorded.
func (t Trail) Tell(ctx context.Context, in Place, why vault.Reading, found ...vault.Ref) (Report, error) {
	facts, cut, err := t.Facts(ctx, in.Pool)
	if err != nil {
		return Report{}, err
	}
	more, err := t.RowsOf(ctx, in.Vault, facts)
	if err != nil {
		return Report{}, err
	}
	told, err := in.Vault.Tell(ctx, why, append(slices.Clone(found), more...)...)
	if err != nil {
		return Report{}, err
	}
	readings, err := t.Readings(ctx, told.Readings)
	if err != nil {
		return Report{}, err
	}
	shown, err := t.Show(told.Holdings, told.Contents)
	return Report{Service: in.Service, Holdings: shown, Facts: facts, Readings: readings, Cut: cut}, err
}

// Stays reports what a trail leads to where nothing is erased, without what it says.
func (t Trail) Stays(ctx context.Context, in Place) (Report, error) {
	facts, cut, err := t.Facts(ctx, in.Pool)
	if err != nil {
		return Report{}, err
	}
	refs, err := t.RowsOf(ctx, in.Vault, facts)
	if err != nil {
		return Report{}, err
	}
	report := Report{Service: in.Service, Holdings: []Holding{}, Facts: []Fact{}, Readings: []Reading{}, Cut: cut}
	kept, err := in.Vault.Holdings(ctx, refs...)
	for _, h := range kept {
		if h.Held == "" {
			h.Held = vault.KeptByLaw
		}
		report.Holdings = append(report.Holdings, Holding{Holding: h})
	}
	return report, err
}

// Place is a service's name, database and vault.
type Place struct {
	Service string
	Pool    *pgxpool.Pool
	Vault   *vault.Vault
}
