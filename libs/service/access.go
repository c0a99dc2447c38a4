package service

import (
	"context"
	"fmt"

	"github.com/songan-vn/songan/libs/access/keybook"
	"github.com/songan-vn/songan/libs/access/signin"
	"github.com/songan-vn/songan/libs/pg"
)

// joinAccess lets a service alone take keys of the book, and sessions and tokens of the provider, where their database is
// named. One process of the installation also serves the routes by which people sign in and keys are given out.
func (d *Deps) joinAccess(ctx context.Context) ([]Service, error) {
	config, err := Load[signin.Config]()
	if err != nil {
		return nil, err
	}
	if config.DatabaseURL == "" {
		return nil, nil
	}
	services, err := d.OpenAccess(ctx, config)
	if err != nil {
		return nil, err
	}
	if !config.Serve {
		for i := range services {
			services[i].Handler = nil
		}
	}
	return services, nil
}

// OpenAccess opens what is known of people and machines beside keys in files: the key book, and, where a provider is named,
// sessions and tokens. From here on services that are built from the dependencies accept them. What it returns has to run;
// its handlers serve /access and /auth.
func (d *Deps) OpenAccess(ctx context.Context, c signin.Config) (services []Service, err error) {
	defer func() {
		if err != nil {
			_ = CloseAll(services) // what failed first is what counts
		}
	}()
	book, closeBook, err := d.openBook(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("key book: %w", err)
	}
	services = append(services, Service{
		Name: keybook.Name, Runners: []Runner{{Name: "uses", Run: book.Uses.Run}}, Close: closeBook,
	})
	d.Keys, d.Uses, d.CutOff = append(d.Keys, book.Keyring()), book.Uses, book.CutOff
	if c.Issuer != "" {
		s, closing, err := signin.Open(ctx, c, signin.With{API: d.For(signin.Name).API, AlsoRevoke: book.RevokePerson})
		if err != nil {
			return services, fmt.Errorf("sign-in: %w", err)
		}
		d.Proofs = s.Proofs()
		services = append(services, Service{
			Name: signin.Name, Ready: s.Ready, Runners: []Runner{{Name: "sweep", Run: s.Sweep}}, Handler: s.Handler(d.Auth()),
			Close: func() error { closing(); return nil },
		})
	}
	api := d.For(keybook.Name).API
	api.Auth = d.Auth()
	services[0].Handler = book.Handler(api)
	return services, nil
}

// bookConns are for keys that are not in memory, and their uses.
const bookConns = 4

func (d *Deps) openBook(ctx context.Context, c signin.Config) (*keybook.Book, func() error, error) {
	secret, err := c.SealingKey()
	if err != nil {
		return nil, nil, fmt.Errorf("SONGAN_SESSION_KEY: %w", err)
	}
	pool, err := pg.Open(ctx, c.DatabaseURL, pg.Options{
		MaxConns: bookConns, Name: keybook.Name, Registerer: d.Metrics, Tracer: d.Tracer,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("SONGAN_SESSION_DATABASE_URL: %w", err)
	}
	if err := keybook.Migrate(ctx, pool); err != nil {
		pool.Close()
		return nil, nil, err
	}
	book, err := keybook.Open(pool, keybook.Options{Secret: secret, Now: d.Now, Log: d.Log.Named(keybook.Name)})
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return book, func() error { pool.Close(); return nil }, nil
}
