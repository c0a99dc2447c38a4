// Package trail tells what the accounts service keeps of one person, beside the rows that their document finds, and by which keys
// other services know them.
//
//  1. The files of a beneficiary are theirs: all facts, and the remarks in them.
//  2. In the files of those whom they represent, or for whom they hold the account, the facts that name them are theirs too.
//  3. Disbursement knows them by these files, the bank gateway by the accounts in these facts.
package trail

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
)

const prefix = "beneficiary-"

// Stream is the name of the stream of a beneficiary.
func Stream(beneficiary string) string { return prefix + beneficiary }

const filesOf = `
select p.beneficiary, coalesce(bool_or(b.person = any($1)), false)
  from people p
  left join beneficiaries b on b.beneficiary = p.beneficiary
 where p.ref = any($1)
 group by p.beneficiary
 order by p.beneficiary`

// Of leads from the rows of a person to their files, by everything that stands in the log.
func Of(ctx context.Context, pool *pgxpool.Pool, people []vault.Ref) (subject.Trail, error) {
	if err := projection.UpToDate(ctx, pool, "people", "beneficiaries"); err != nil {
		return subject.Trail{}, fmt.Errorf("find the files of a person: %w", err)
	}
	rows, err := pool.Query(ctx, filesOf, people)
	if err != nil {
		return subject.Trail{}, fmt.Errorf("find the files of a person: %w", err)
	}
	found := subject.Trail{Refs: people, Follow: []string{vault.NotePurpose}}
	var beneficiary string
	var own bool
	_, err = pgx.ForEachRow(rows, []any{&beneficiary, &own}, func() error {
		if own {
			found.Streams = append(found.Streams, Stream(beneficiary))
		} else {
			found.Mentions = append(found.Mentions, Stream(beneficiary))
		}
		return nil
	})
	if err != nil {
		return subject.Trail{}, fmt.Errorf("find the files of a person: %w", err)
	}
	return found, nil
}

// Files are the keys by which disbursement knows the person.
func Files(found subject.Trail) subject.Keys {
	return subject.Keys{Own: ids(found.Streams), Mentions: ids(found.Mentions), Refs: found.Refs}
}

func ids(streams []string) []string {
	all := make([]string, 0, len(streams))
	for _, s := range streams {
		all = append(all, strings.TrimPrefix(s, prefix))
	}
	return all
}

// Accounts are the keys by which the bank gateway knows the person: the accounts in their name. The account of somebody who
// receives for them is that one's.
func Accounts(found subject.Trail, facts []subject.Fact) subject.Keys {
	people := map[string]bool{}
	for _, ref := range found.Refs {
		people[string(ref)] = true
	}
	for _, f := range facts {
		if slices.Contains(found.Streams, f.Stream) {
			people[member(f, "person")] = true // also before a correction
		}
	}
	delete(people, "")
	keys := subject.Keys{Own: []string{}, Mentions: []string{}, Refs: found.Refs}
	for _, f := range facts {
		account := member(f, "account")
		if account != "" && people[member(f, "holder")] && !slices.Contains(keys.Own, account) {
			keys.Own = append(keys.Own, account)
		}
	}
	return keys
}

func member(f subject.Fact, name string) string {
	members, _ := f.Fact.(map[string]any)
	value, _ := members[name].(string)
	return value
}
