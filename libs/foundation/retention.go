package foundation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn/workday"
)

// openPrivacy reads what the law says about people's data. A rule that cannot be read is an error, never "for ever".
func (f *Foundation) openPrivacy() (err error) {
	if f.rules, err = privacy.LoadRules(f.deps.Config.RetentionRules); err != nil {
		return fmt.Errorf("SONGAN_RETENTION_RULES: %w", err)
	}
	if f.calendar, err = loadHolidays(f.deps.Config.Holidays); err != nil {
		return fmt.Errorf("SONGAN_HOLIDAYS: %w", err)
	}
	f.Disclosure, err = privacy.LoadTable()
	return err
}

// loadHolidays reads a list, or takes the program's own.
func loadHolidays(path string) (*workday.Calendar, error) {
	if path == "" {
		return workday.Load()
	}
	list, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open holidays: %w", err)
	}
	defer list.Close()
	return workday.Read(list)
}

// TermOf is what a rule of retention comes to at a moment.
func TermOf(rule privacy.Retention, now time.Time) vault.Term {
	return vault.Term{
		Rule: rule.ID, LegalBasis: rule.LegalBasis, Purpose: rule.Purpose, Before: rule.Before(now),
		Unread: rule.CountsFrom == privacy.LastRead,
	}
}

// keepHouseEvery is how often what was kept long enough is erased and the next month's key is made.
const keepHouseEvery = time.Hour

func (f *Foundation) keepHouse(ctx context.Context) error {
	tick := time.NewTicker(keepHouseEvery)
	defer tick.Stop()
	for {
		if err := f.KeepHouse(ctx); err != nil && ctx.Err() == nil {
			f.deps.Log.Warn("the vault is not in order", telemetry.Err(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			f.deps.Log.Debug("looking after the vault", zap.String("service", f.options.Service))
		}
	}
}

// KeepHouse erases whatever the rules of retention say is due, each batch with its proof, and destroys the keys of months
// of which nothing is left. One rule that fails does not hold up the others.
func (f *Foundation) KeepHouse(ctx context.Context) error {
	now := f.deps.Now()
	_, failed := f.Vault.Sweep(ctx, now)
	for _, rule := range f.rules.Of(f.options.Service, now) {
		_, err := f.Vault.Retain(ctx, TermOf(rule, now))
		failed = errors.Join(failed, err)
	}
	_, err := f.Vault.DestroySpent(ctx)
	return errors.Join(failed, err)
}
