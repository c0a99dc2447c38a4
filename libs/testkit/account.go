package testkit

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/embedded/kafka"
)

const scramIterations = 4096 // the least that Apache Kafka accepts

// Account makes a user who may do only what the rights say, over the protocol
// and therefore on a real cluster too, and returns the broker as seen by that
// user. The user and the rights go when the test ends.
func (b Broker) Account(t testing.TB, rights ...kafka.Right) Broker {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTimeout)
	defer cancel()
	name := "test-" + strings.ToLower(rand.Text()[:12])
	password := rand.Text()
	salt := []byte(rand.Text())
	salted, err := pbkdf2.Key(sha512.New, password, salt, scramIterations, sha512.Size)
	if err != nil {
		t.Fatalf("derive the key of %s: %v", name, err)
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
		t.Fatalf("make user %s: %v", name, err)
	}
	t.Cleanup(func() { b.removeAccount(t, name) })
	b.allow(ctx, t, name, rights)
	public, err := account(b.Addrs, name, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(public.Transport.CloseIdleConnections)
	awaitLogin(t, public)
	return public
}

// awaitLogin waits until every node knows the user: in Apache Kafka a new
// user's credentials travel to the brokers after the answer.
func awaitLogin(t testing.TB, b Broker) {
	t.Helper()
	for _, addr := range b.Addrs {
		Eventually(t, kafkaTimeout, func() error {
			conn, err := b.Dialer.DialContext(t.Context(), "tcp", addr)
			if err != nil {
				return err
			}
			return conn.Close()
		})
	}
}

func (b Broker) allow(ctx context.Context, t testing.TB, name string, rights []kafka.Right) {
	t.Helper()
	var entries []kafkago.ACLEntry
	for _, r := range rights {
		resource, prefix := r.Pattern()
		pattern := kafkago.PatternTypeLiteral
		if prefix {
			pattern = kafkago.PatternTypePrefixed
		}
		for _, may := range r.May {
			entries = append(entries, kafkago.ACLEntry{
				ResourceType: kafkago.ResourceType(r.On), ResourceName: resource, ResourcePatternType: pattern,
				Principal: "User:" + name, Host: "*",
				Operation: kafkago.ACLOperationType(may), PermissionType: kafkago.ACLPermissionTypeAllow,
			})
		}
	}
	if len(entries) == 0 {
		return
	}
	made, err := b.Client().CreateACLs(ctx, &kafkago.CreateACLsRequest{ACLs: entries})
	if err == nil {
		err = errors.Join(made.Errors...)
	}
	if err != nil {
		t.Fatalf("give rights to %s: %v", name, err)
	}
}

func (b Broker) removeAccount(t testing.TB, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTimeout)
	defer cancel()
	client := b.Client()
	_, err := client.DeleteACLs(ctx, &kafkago.DeleteACLsRequest{Filters: []kafkago.DeleteACLsFilter{{
		ResourceTypeFilter: kafkago.ResourceTypeAny, ResourcePatternTypeFilter: kafkago.PatternTypeAny,
		PrincipalFilter: "User:" + name, Operation: kafkago.ACLOperationTypeAny, PermissionType: kafkago.ACLPermissionTypeAny,
	}}})
	if err != nil {
		t.Errorf("take the rights of %s: %v", name, err)
	}
	gone, err := client.AlterUserScramCredentials(ctx, &kafkago.AlterUserScramCredentialsRequest{
		Deletions: []kafkago.UserScramCredentialsDeletion{{Name: name, Mechanism: kafkago.ScramMechanismSha512}},
	})
	if err == nil {
		err = gone.Results[0].Error
	}
	if err != nil {
		t.Errorf("remove user %s: %v", name, err)
	}
}
