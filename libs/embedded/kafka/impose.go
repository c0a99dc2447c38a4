package kafka

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	scram256   = "SCRAM-SHA-256"
	scram512   = "SCRAM-SHA-512"
	iterations = 4096 // kfake's, and the least that RFC 7677 allows
	// stateVersion is the version of kfake's state files that impose knows.
	stateVersion = 1
)

// The state files of kfake, as its persist.go writes them. When there is state
// on disk kfake takes users and rights from there and ignores its options, so
// ours are put into the files before it reads them.
type (
	saslState struct {
		Version  int                   `json:"version"`
		Plain    map[string]string     `json:"plain,omitempty"`
		Scram256 map[string]credential `json:"scram256,omitempty"`
		Scram512 map[string]credential `json:"scram512,omitempty"`
	}
	credential struct {
		Mechanism  string `json:"mechanism"`
		Salt       []byte `json:"salt"`
		SaltedPass []byte `json:"salted_pass"`
		Iterations int    `json:"iterations"`
	}
	aclState struct {
		Version int        `json:"version"`
		ACLs    []aclEntry `json:"acls"`
	}
	aclEntry struct {
		Principal    string `json:"principal"`
		Host         string `json:"host"`
		ResourceType int8   `json:"resource_type"`
		ResourceName string `json:"resource_name"`
		Pattern      int8   `json:"pattern"`
		Operation    int8   `json:"operation"`
		Permission   int8   `json:"permission"`
	}
)

// impose makes users what they are in the options, in the state of an earlier
// run. Without such a state there is nothing to do.
func impose(data string, users []User) error {
	var sasl saslState
	saslFile := filepath.Join(data, "sasl.json")
	switch err := readState(saslFile, &sasl, &sasl.Version); {
	case errors.Is(err, os.ErrNotExist):
		// No state, or a crash during the very first start.
	case err != nil:
		return err
	default:
		for _, u := range users {
			if err := sasl.set(u); err != nil {
				return fmt.Errorf("set the password of %s: %w", u.Name, err)
			}
		}
		if err := writeState(saslFile, sasl); err != nil {
			return err
		}
	}
	return imposeRights(filepath.Join(data, "acls.json"), users)
}

func (s *saslState) set(u User) error {
	small, err := newCredential(scram256, sha256.New, u.Password)
	if err != nil {
		return err
	}
	big, err := newCredential(scram512, sha512.New, u.Password)
	if err != nil {
		return err
	}
	if s.Scram256 == nil {
		s.Scram256 = map[string]credential{}
	}
	if s.Scram512 == nil {
		s.Scram512 = map[string]credential{}
	}
	s.Scram256[u.Name], s.Scram512[u.Name] = small, big
	return nil
}

func newCredential[H hash.Hash](mechanism string, h func() H, password string) (credential, error) {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails, says its documentation
	salted, err := pbkdf2.Key(h, password, salt, iterations, h().Size())
	if err != nil {
		return credential{}, fmt.Errorf("derive a key for %s: %w", mechanism, err)
	}
	return credential{Mechanism: mechanism, Salt: salt, SaltedPass: salted, Iterations: iterations}, nil
}

func imposeRights(file string, users []User) error {
	var state aclState
	err := readState(file, &state, &state.Version)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, u := range users {
		principal := "User:" + u.Name
		state.ACLs = slices.DeleteFunc(state.ACLs, func(a aclEntry) bool { return a.Principal == principal })
		for _, r := range u.Rights {
			name, pattern := r.pattern()
			for _, op := range r.May {
				state.ACLs = append(state.ACLs, aclEntry{
					Principal: principal, Host: "*", ResourceType: int8(r.On), ResourceName: name,
					Pattern: int8(pattern), Operation: int8(op), Permission: int8(kmsg.ACLPermissionTypeAllow),
				})
			}
		}
	}
	return writeState(file, state)
}

func readState(file string, into any, version *int) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the users of the Kafka broker: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if *version != stateVersion {
		return fmt.Errorf("%s has version %d, this program knows version %d: it was written by another version of the Kafka broker", file, *version, stateVersion)
	}
	return nil
}

// writeState replaces the file in one step, as kfake does.
func writeState(file string, state any) error {
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	fresh, err := os.OpenFile(file+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	_, err = fresh.Write(text)
	if err = errors.Join(err, fresh.Sync(), fresh.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
