package testkit

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/embedded/kafka"
)

const scramIterations = 4096 // the least that Apache Kafka accepts

// Account makes a user who may do only what the rights say, over the protocol
// and therefore on a real cluster too, and returns the broker as seen by that
// user. The account is of no use any more when the test has ended.
func (b Broker) Account(t testing.TB, rights ...kafka.Right) Broker {
	t.Helper()
	name, password := "test-"+strings.ToLower(rand.Text()[:12]), rand.Text()
	if err := b.setPassword(name, password); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.close(t, name) })
	b.allow(t, name, rights)
	public, err := account(b.Addrs, name, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(public.Transport.CloseIdleConnections)
	awaitLogin(t, public)
	return public
}

// setPassword makes a user, or changes its password.
func (b Broker) setPassword(name, password string) error {
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTimeout)
	defer cancel()
	salt := []byte(rand.Text())
	salted, err := pbkdf2.Key(sha512.New, password, salt, scramIterations, sha512.Size)
	if err != nil {
		return fmt.Errorf("derive the key of %s: %w", name, err)
	}
	made, err := b.Client().AlterUserScramCredentials(ctx, &kafkago.AlterUserScramCredentialsRequest{
		Upsertions: []kafkago.UserScramCredentialsUpsertion{{
			Name: name, Mechanism: kafkago.ScramMechanismSha512, Iterations: scramIterations,
			Salt: salt, SaltedPassword: salted,
		}},
	})
	if err == nil {
		err = made.Results[0].Error
	}
	if err != nil {
		return fmt.Errorf("set the password of %s: %w", name, err)
	}
	return nil
}

// awaitLogin waits until every node knows the user: in Apache Kafka a new
// user's credentials travel to the brokers after the answer.
func awaitLogin(t testing.TB, b Broker) {
	t.Helper()
	for _, addr := range b.Addrs {
		Eventually(t, func() error {
			conn, err := b.Dialer.DialContext(t.Context(), "tcp", addr)
			if err != nil {
				return fmt.Errorf("dial the broker: %w", err)
			}
			return conn.Close()
		})
	}
}

func (b Broker) allow(t testing.TB, name string, rights []kafka.Right) {
	t.Helper()
	if len(rights) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTimeout)
	defer cancel()
	made, err := b.Client().CreateACLs(ctx, &kafkago.CreateACLsRequest{ACLs: entries(name, rights)})
	if err == nil {
		err = errors.Join(made.Errors...)
	}
	if err != nil {
		t.Fatalf("give rights to %s: %v", name, err)
	}
}

// entries are rights in kafka-go's words.
func entries(name string, rights []kafka.Right) []kafkago.ACLEntry {
	var list []kafkago.ACLEntry
	for _, r := range rights {
		resource, prefix := r.Pattern()
		pattern := kafkago.PatternTypeLiteral
		if prefix {
			pattern = kafkago.PatternTypePrefixed
		}
		for _, may := range r.May {
			list = append(list, kafkago.ACLEntry{
				ResourceType: kafkago.ResourceType(r.On), ResourceName: resource, ResourcePatternType: pattern,
				Principal: "User:" + name, Host: "*",
				Operation: kafkago.ACLOperationType(may), PermissionType: kafkago.ACLPermissionTypeAllow,
			})
		}
	}
	return list
}

// close takes a user's rights away, and gives it a password that nobody knows.
// It doesn't delete the user: an Apache Kafka up to 4.3.1 which replays such a
// deletion at its next start forgets other users too, the super user among
// them (docs/kafka-differences.md).
func (b Broker) close(t testing.TB, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTimeout)
	defer cancel()
	gone, err := b.Client().DeleteACLs(ctx, &kafkago.DeleteACLsRequest{Filters: []kafkago.DeleteACLsFilter{{
		ResourceTypeFilter: kafkago.ResourceTypeAny, ResourcePatternTypeFilter: kafkago.PatternTypeAny,
		PrincipalFilter: "User:" + name, Operation: kafkago.ACLOperationTypeAny, PermissionType: kafkago.ACLPermissionTypeAny,
	}}})
	if err == nil {
		err = gone.Results[0].Error
	}
	if err := errors.Join(err, b.setPassword(name, rand.Text())); err != nil {
		t.Errorf("close the account %s: %v", name, err)
	}
}
