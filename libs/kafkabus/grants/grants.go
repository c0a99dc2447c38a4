// Package grants makes users of the Kafka cluster who come from outside, as banks do, and says what they may do.
package grants

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
)

const (
	scramIterations = 4096             // the least that Apache Kafka accepts; the passwords are random, not chosen
	grantTimeout    = 30 * time.Second // for a user or a right to be known everywhere
	grantPoll       = 50 * time.Millisecond
	longestSecret   = 256 // of a name or a password, in bytes
)

// Right is one thing that a user may do. What no right allows is refused. Make rights with [MayRead], [MayWrite] and
// [MayJoin].
type Right struct {
	on     kafka.ResourceType
	name   string
	prefix bool
	may    kafka.ACLOperationType
}

// MayRead allows to read a topic, which includes to describe it. It does not allow to join a consumer group.
func MayRead(topic string) Right {
	return Right{on: kafka.ResourceTypeTopic, name: topic, may: kafka.ACLOperationTypeRead}
}

// MayWrite allows to write to a topic, which includes to describe it and not to read it.
func MayWrite(topic string) Right {
	return Right{on: kafka.ResourceTypeTopic, name: topic, may: kafka.ACLOperationTypeWrite}
}

// MayJoin allows to join the consumer groups whose names begin like this, and to keep offsets in them.
func MayJoin(groupPrefix string) Right {
	return Right{on: kafka.ResourceTypeGroup, name: groupPrefix, prefix: true, may: kafka.ACLOperationTypeRead}
}

// EnsureUser makes a user who logs in by SCRAM-SHA-512, or changes its password, and waits until every broker lets it
// in. If the password opens the door already, nothing is changed. Name and password are printable ASCII.
//
// Whoever loses the trust gets another password, and no deletion: an Apache Kafka up to 4.3.1 that replays a deletion
// forgets other users too (docs/kafka-differences.md). See [CloseUser].
func EnsureUser(ctx context.Context, cfg kafkabus.Config, name, password string) error {
	if !printable(name) || !printable(password) {
		return errors.New("ensure kafka user: name and password have 1 to 256 characters, all of them printable ASCII")
	}
	ctx, cancel := context.WithTimeout(ctx, grantTimeout)
	defer cancel()
	if letIn(ctx, cfg, name, password) == nil {
		return nil
	}
	if err := setPassword(ctx, cfg, name, password); err != nil {
		return fmt.Errorf("ensure kafka user %s: %w", name, err)
	}
	if err := await(ctx, func() error { return letIn(ctx, cfg, name, password) }); err != nil {
		return fmt.Errorf("ensure kafka user %s: %w", name, err)
	}
	return nil
}

// printable keeps away what SASL would prepare in one way and a broker in another.
func printable(s string) bool {
	return s != "" && len(s) <= longestSecret && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// letIn tries the login on every broker.
func letIn(ctx context.Context, cfg kafkabus.Config, name, password string) error {
	mechanism, err := scram.Mechanism(scram.SHA512, name, password)
	if err != nil {
		return errors.New("user or password cannot be used for SCRAM") // its text may hold what was made of the password
	}
	cluster, err := cfg.Client().Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}})
	if err != nil {
		return fmt.Errorf("ask for the brokers: %w", err)
	}
	dialer := *cfg.Dialer
	dialer.SASLMechanism = mechanism
	for _, b := range cluster.Brokers {
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(b.Host, strconv.Itoa(b.Port)))
		if err != nil {
			return fmt.Errorf("log in at broker %d: %w", b.ID, err)
		}
		if err := conn.Close(); err != nil {
			return fmt.Errorf("log in at broker %d: %w", b.ID, err)
		}
	}
	return nil
}

func setPassword(ctx context.Context, cfg kafkabus.Config, name, password string) error {
	salt := []byte(rand.Text())
	salted, err := pbkdf2.Key(sha512.New, password, salt, scramIterations, sha512.Size)
	if err != nil {
		return fmt.Errorf("derive key: %w", err)
	}
	resp, err := cfg.Client().AlterUserScramCredentials(ctx, &kafka.AlterUserScramCredentialsRequest{
		Upsertions: []kafka.UserScramCredentialsUpsertion{{
			Name: name, Mechanism: kafka.ScramMechanismSha512, Iterations: scramIterations, Salt: salt, SaltedPassword: salted,
		}},
	})
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	for _, r := range resp.Results {
		if r.Error != nil {
			return fmt.Errorf("set password: %w", r.Error)
		}
	}
	return nil
}

// Allow gives a user rights, besides those that it has, and returns when the cluster shows them. Rights that are there
// already are not made again. In a cluster of several brokers each learns of a new right some milliseconds later.
func Allow(ctx context.Context, cfg kafkabus.Config, user string, rights ...Right) error {
	ctx, cancel := context.WithTimeout(ctx, grantTimeout)
	defer cancel()
	missing, err := absent(ctx, cfg, user, rights)
	if err != nil || len(missing) == 0 {
		return err
	}
	resp, err := cfg.Client().CreateACLs(ctx, &kafka.CreateACLsRequest{ACLs: missing})
	if err == nil {
		err = errors.Join(resp.Errors...)
	}
	if err != nil {
		return fmt.Errorf("allow kafka user %s: %w", user, err)
	}
	err = await(ctx, func() error {
		missing, err := absent(ctx, cfg, user, rights)
		if err == nil && len(missing) > 0 {
			return fmt.Errorf("%d of %d rights are not there yet", len(missing), len(rights))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("allow kafka user %s: %w", user, err)
	}
	return nil
}

// absent returns the rights that a user does not have yet, in kafka-go's words.
func absent(ctx context.Context, cfg kafkabus.Config, user string, rights []Right) ([]kafka.ACLEntry, error) {
	resp, err := cfg.Client().DescribeACLs(ctx, &kafka.DescribeACLsRequest{Filter: kafka.ACLFilter{
		ResourceTypeFilter: kafka.ResourceTypeAny, ResourcePatternTypeFilter: kafka.PatternTypeAny,
		PrincipalFilter: "User:" + user, Operation: kafka.ACLOperationTypeAny, PermissionType: kafka.ACLPermissionTypeAny,
	}})
	if err == nil {
		err = resp.Error
	}
	if err != nil {
		return nil, fmt.Errorf("describe rights of kafka user %s: %w", user, err)
	}
	var there []kafka.ACLEntry
	for _, r := range resp.Resources {
		for _, a := range r.ACLs {
			there = append(there, kafka.ACLEntry{
				ResourceType: r.ResourceType, ResourceName: r.ResourceName, ResourcePatternType: r.PatternType,
				Principal: a.Principal, Host: a.Host, Operation: a.Operation, PermissionType: a.PermissionType,
			})
		}
	}
	var missing []kafka.ACLEntry
	for _, right := range rights {
		if entry := right.entry(user); !slices.Contains(there, entry) {
			missing = append(missing, entry)
		}
	}
	return missing, nil
}

func (r Right) entry(user string) kafka.ACLEntry {
	pattern := kafka.PatternTypeLiteral
	if r.prefix {
		pattern = kafka.PatternTypePrefixed
	}
	return kafka.ACLEntry{
		ResourceType: r.on, ResourceName: r.name, ResourcePatternType: pattern,
		Principal: "User:" + user, Host: "*", Operation: r.may, PermissionType: kafka.ACLPermissionTypeAllow,
	}
}

// CloseUser takes all rights from a user and gives it a password that nobody knows. Connections that are open stay open
// and may do nothing any more. Closing a user that does not exist is fine.
func CloseUser(ctx context.Context, cfg kafkabus.Config, name string) error {
	resp, err := cfg.Client().DeleteACLs(ctx, &kafka.DeleteACLsRequest{Filters: []kafka.DeleteACLsFilter{{
		ResourceTypeFilter: kafka.ResourceTypeAny, ResourcePatternTypeFilter: kafka.PatternTypeAny,
		PrincipalFilter: "User:" + name, Operation: kafka.ACLOperationTypeAny, PermissionType: kafka.ACLPermissionTypeAny,
	}}})
	if err != nil {
		return fmt.Errorf("close kafka user %s: %w", name, err)
	}
	for _, r := range resp.Results {
		err = errors.Join(err, r.Error)
	}
	if err = errors.Join(err, setPassword(ctx, cfg, name, rand.Text())); err != nil {
		return fmt.Errorf("close kafka user %s: %w", name, err)
	}
	return nil
}

// await tries again until it works or the time is over.
func await(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		if pause.For(ctx, grantPoll) != nil {
			return fmt.Errorf("not within %s: %w", grantTimeout, errors.Join(err, ctx.Err()))
		}
	}
}
