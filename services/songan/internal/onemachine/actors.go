package onemachine

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/songan-vn/songan/libs/access"
)

// Actor is somebody of the demo: what they are, and the token they call with.
type Actor struct {
	Name     string `json:"name,omitempty"`
	Role     string `json:"role"`
	Facility string `json:"facility,omitempty"`
	Unit     string `json:"unit,omitempty"`
	Bank     string `json:"bank,omitempty"`
	Token    string `json:"token"`
}

// Demo is the content of demo.json: where the system listens and who may call it.
type Demo struct {
	BaseURL  string `json:"base_url"`
	Kafka    string `json:"kafka"`
	Postgres string `json:"postgres"`
	// Population is the control address of the simulated population database: make it slow, wrong or down there.
	Population string           `json:"population_control"`
	Actors     map[string]Actor `json:"actors"`
}

// Commune is where the demo's officers work: Phường Ba Đình, Hà Nội, since 2025-07-01.
const Commune = "00004"

// identityActor is the service that resolves references to people. Its token is for the process only and
// does not stand in demo.json.
const identityActor = "service_identity"

// cast lists the actors that exist from the first start. Facilities get their keys from the police afterwards.
func cast() map[string]Actor {
	return map[string]Actor{
		"police":      {Name: "Công an phường Ba Đình", Role: string(access.CommunePolice), Unit: Commune},
		"lisa":        {Name: "Cán bộ LĐ-TB&XH phường Ba Đình", Role: string(access.LISAOfficer), Unit: Commune},
		"accountant":  {Name: "Kế toán phường Ba Đình", Role: string(access.Accountant), Unit: Commune},
		"chairman":    {Name: "Chủ tịch UBND phường Ba Đình", Role: string(access.Approver), Unit: Commune},
		"treasurer":   {Name: "Kho bạc khu vực", Role: string(access.Treasurer), Unit: Commune},
		"province":    {Name: "Ban chỉ đạo Đề án 06", Role: string(access.Steering), Unit: "01"},
		"auditor":     {Name: "Kiểm toán", Role: string(access.Auditor)},
		"admin":       {Name: "Quản trị hệ thống", Role: string(access.Admin)},
		identityActor: {Name: "Dịch vụ định danh", Role: string(access.Service)},
	}
}

// casting is the actors with their tokens, and the keys that the services check them with.
type casting struct {
	actors         map[string]Actor
	keys           access.StaticKeyring
	brokerPassword string
	populationKey  string
}

// loadCast reads the actors of an earlier start, or makes new ones. Tokens stand in clear in a file that only the
// owner can read, because a demo has nobody to hand them to; real keys are stored as hashes only.
func loadCast(dir string) (casting, error) {
	tokens, err := readTokens(filepath.Join(dir, "tokens.json"))
	if err != nil {
		return casting{}, err
	}
	c := casting{actors: map[string]Actor{}, keys: access.StaticKeyring{}}
	for name, actor := range cast() {
		principal := access.Principal{ID: "demo-" + name, Role: access.Role(actor.Role), Unit: actor.Unit, Bank: actor.Bank}
		if actor.Role == string(access.Service) {
			principal.ID = "identity"
		}
		token, known := tokens[name]
		key := access.Key{}
		if known {
			key, err = access.KeyOf(token, principal)
		} else {
			token, key = access.Generate(principal)
		}
		if err != nil {
			return casting{}, fmt.Errorf("token of %s in %s: %w", name, dir, err)
		}
		tokens[name], actor.Token = token, token
		c.actors[name], c.keys[key.ID] = actor, key
	}
	for name, secret := range map[string]*string{"broker": &c.brokerPassword, "population": &c.populationKey} {
		if tokens[name] == "" {
			tokens[name] = rand.Text()
		}
		*secret = tokens[name]
	}
	return c, writePrivate(filepath.Join(dir, "tokens.json"), tokens)
}

func readTokens(path string) (map[string]string, error) {
	tokens := map[string]string{}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return tokens, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read demo tokens: %w", err)
	}
	if err := json.Unmarshal(data, &tokens); err != nil {
		return nil, fmt.Errorf("read demo tokens in %s: %w", path, err)
	}
	return tokens, nil
}

// writePrivate writes JSON for the owner's eyes, the whole file or none of it.
func writePrivate(path string, content any) error {
	data, err := json.MarshalIndent(content, "", " ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when the rename worked
	_, err = f.Write(append(data, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
