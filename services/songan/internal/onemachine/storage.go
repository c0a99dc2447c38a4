package onemachine

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/embedded/kafka"
	"github.com/songan-vn/songan/libs/embedded/postgres"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/service"
)

// storage is what services keep things in: one server with a database each, and one broker. Both are embedded
// unless the configuration names others.
type storage struct {
	config service.Config
	server *postgres.Server
	broker *kafka.Broker
}

// brokerUser is the services' account at the embedded broker.
const brokerUser = "songan"

// openStorage starts what is not given, and returns the configuration with everything filled in.
func openStorage(ctx context.Context, c service.Config, cast casting) (_ *storage, err error) {
	s := &storage{config: c}
	defer func() { //nolint:contextcheck // what was started is stopped, whatever ctx says
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if c.DatabaseURL == "" {
		s.server, err = postgres.Start(ctx, postgres.Options{
			Dir: filepath.Join(c.Data, "postgres"), NPM: filepath.Join("tools", "postgres"), Settings: tuned(),
		})
		if err != nil {
			return nil, err
		}
		s.config.DatabaseURL = s.server.URL("postgres")
	}
	if len(c.Brokers) == 0 {
		s.broker, err = kafka.Start(kafka.Options{
			Dir: filepath.Join(c.Data, "kafka"), Addr: c.Kafka,
			Users: users(cast),
		})
		if err != nil {
			return nil, fmt.Errorf("SONGAN_KAFKA: %w", err)
		}
		s.config.Brokers = []string{s.broker.Addr()}
		s.config.KafkaUser, s.config.KafkaPassword = brokerUser, cast.brokerPassword
	}
	return s, nil
}

// users are the logins at the embedded broker. What a bank may do is granted by the gateway.
func users(cast casting) []kafka.User {
	all := []kafka.User{{Name: brokerUser, Password: cast.brokerPassword, Super: true}}
	for _, actor := range cast.actors {
		if actor.KafkaUser != "" {
			all = append(all, kafka.User{Name: actor.KafkaUser, Password: actor.KafkaPassword})
		}
	}
	return all
}

// tuned are settings for one machine that is used for other things as well.
func tuned() map[string]string {
	return map[string]string{"shared_buffers": "256MB", "max_wal_size": "4GB", "max_connections": "200"}
}

// watch ends when the embedded server does: without it nothing can be accepted, and whoever supervises the process
// starts it anew, which recovers.
func (s *storage) watch(ctx context.Context) error {
	if s.server == nil {
		<-ctx.Done()
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-s.server.Done():
		return errors.New("the embedded PostgreSQL has ended; start again, and it recovers")
	}
}

// database makes a service's own database unless it is there, and returns its URL.
func (s *storage) database(ctx context.Context, name string) (string, error) {
	address, err := url.Parse(s.config.DatabaseURL)
	if err != nil {
		return "", errors.New("DATABASE_URL is not a URL like postgres://user:password@host:5432/postgres")
	}
	conn, err := pgx.Connect(ctx, s.config.DatabaseURL)
	if err != nil {
		return "", fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing is lost with it
	var there bool
	if err := conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&there); err != nil {
		return "", fmt.Errorf("look for database %s: %w", name, err)
	}
	if !there {
		if _, err := conn.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize()); err != nil {
			return "", fmt.Errorf("create database %s: %w", name, err)
		}
	}
	if s.server != nil {
		return s.server.LocalURL(name), nil
	}
	address.Path = "/" + name
	return address.String(), nil
}

// stopPatience is how long the server may take to stop; after that it recovers at the next start.
const stopPatience = 20 * time.Second

func (s *storage) close() error {
	var faults []error
	if s.broker != nil {
		faults = append(faults, s.broker.Close())
	}
	if s.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
		defer cancel()
		faults = append(faults, s.server.Stop(ctx))
	}
	return errors.Join(faults...)
}

// dataDir makes the data directory, or says in one sentence why it cannot be used.
func dataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("SONGAN_DATA: make %s: %w", dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("SONGAN_DATA: look at %s: %w", dir, err)
	}
	mark := filepath.Join(dir, "songan")
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	if len(entries) > 0 {
		return fmt.Errorf("SONGAN_DATA: %s holds files that are not Song An's; choose another directory, or an empty one", dir)
	}
	if err := os.WriteFile(mark, []byte("This directory belongs to Song An.\n"), 0o600); err != nil {
		return fmt.Errorf("SONGAN_DATA: write to %s: %w", dir, err)
	}
	return nil
}

// Kafka returns how a program on this machine reaches the broker of a running system, as the services do.
func Kafka(dir string, demo Demo) (kafkabus.Settings, error) {
	config, err := service.Load[service.Config]()
	if err != nil {
		return kafkabus.Settings{}, err
	}
	if len(config.Brokers) > 0 {
		return config.Cluster("", nil)
	}
	tokens, err := readTokens(filepath.Join(dir, "tokens.json"))
	if err != nil {
		return kafkabus.Settings{}, err
	}
	return kafkabus.Settings{Brokers: []string{demo.Kafka}, User: brokerUser, Password: tokens["broker"]}, nil
}
