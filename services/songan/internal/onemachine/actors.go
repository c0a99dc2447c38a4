package onemachine

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/embedded/oidc"
	"github.com/songan-vn/songan/services/accounts"
	"github.com/songan-vn/songan/services/bankgateway"
	"github.com/songan-vn/songan/services/disbursement"
	"github.com/songan-vn/songan/services/identity"
)

// Actor is somebody of the demo: what they are, and the token they call with.
type Actor struct {
	Name     string `json:"name,omitempty"`
	Role     string `json:"role"`
	Facility string `json:"facility,omitempty"`
	Unit     string `json:"unit,omitempty"`
	Bank     string `json:"bank,omitempty"`
	Token    string `json:"token"`
	// KafkaUser and KafkaPassword are a bank's login at the broker.
	KafkaUser     string `json:"kafka_user,omitempty"`
	KafkaPassword string `json:"kafka_password,omitempty"`
}

// Demo is the content of demo.json: where the system listens and who may call it.
type Demo struct {
	BaseURL  string `json:"base_url"`
	Kafka    string `json:"kafka"`
	Postgres string `json:"postgres"`
	// Population is the control address of the simulated population database: make it slow, wrong or down there.
	Population string           `json:"population_control"`
	Actors     map[string]Actor `json:"actors"`
	// Banks are the simulated banks by BIC.
	Banks map[string]Bank `json:"banks"`
	// Logins are how the actors who are persons sign in.
	Logins map[string]Login `json:"logins"`
}

// Bank is a simulated bank.
type Bank struct {
	// Control is where the bank is told to misbehave, and shows its own ledger.
	Control string `json:"control"`
}

const (
	// Commune is where the demo's officers work: Phường Ba Đình, Hà Nội, since 2025-07-01.
	Commune = "00004"
	// province is Hà Nội, where the treasurer and the steering committee sit.
	province = "01"
)

// neighbours are two more communes with officers of their own, so that lists of several are paid.
func neighbours() map[string]string {
	return map[string]string{"00008": "Ngọc Hà", "00025": "Giảng Võ"}
}

// Banks are the BICs of the banks that the demo pays through: VietinBank, Vietcombank, BIDV, Agribank.
func Banks() []string { return []string{"ICBVVNVX", "BFTVVNVX", "BIDVVNVX", "VBAAVNVX"} }

// bankUser is a bank's login at the broker, as the gateway names it.
func bankUser(topics, bic string) string { return topics + ".bank." + bic }

// serviceActor is a service that calls another one. Its token is for the process only and does not stand in demo.json.
func serviceActor(name string) string { return "service_" + name }

// cast lists the actors that exist from the first start; topics is what the names of topics begin with. Facilities get their keys from the police afterwards.
func cast(topics string) map[string]Actor {
	all := map[string]Actor{
		"police": {Name: "Công an phường Ba Đình", Role: string(access.CommunePolice), Unit: Commune},
		// The demo's facilities lie all over the province, and it is the police who register them and give out their keys.
		"province_police": {Name: "Công an thành phố Hà Nội", Role: string(access.CommunePolice), Unit: province},
		"treasurer":       {Name: "Kho bạc khu vực", Role: string(access.Treasurer), Unit: province},
		// Receipts, and where an operator wants it money, are entered by another treasurer than the one who releases the list.
		"cashier":  {Name: "Thủ quỹ chi trả", Role: string(access.Treasurer), Unit: province},
		"province": {Name: "Ban chỉ đạo Đề án 06", Role: string(access.Steering), Unit: province},
		"auditor":  {Name: "Kiểm toán", Role: string(access.Auditor)},
		"admin":    {Name: "Quản trị hệ thống", Role: string(access.Admin)},
	}
	office := func(before, after, unit, place string) {
		all[before+"lisa"+after] = Actor{Name: "Cán bộ LĐ-TB&XH " + place, Role: string(access.LISAOfficer), Unit: unit}
		all[before+"accountant"+after] = Actor{Name: "Kế toán " + place, Role: string(access.Accountant), Unit: unit}
		all[before+"chairman"+after] = Actor{Name: "Chủ tịch UBND " + place, Role: string(access.Approver), Unit: unit}
	}
	office("", "", Commune, "phường Ba Đình")
	for unit, commune := range neighbours() {
		office("", "_"+unit, unit, "phường "+commune)
	}
	office("province_", "", province, "thành phố Hà Nội")
	for _, bic := range Banks() {
		all["bank_"+bic] = Actor{Name: "Ngân hàng " + bic, Role: string(access.Bank), Bank: bic, KafkaUser: bankUser(topics, bic)}
	}
	for _, name := range []string{accounts.Name, identity.Name, bankgateway.Name, disbursement.Name} {
		all[serviceActor(name)] = Actor{Name: name, Role: string(access.Service)}
	}
	return all
}

// casting is the actors with their tokens, and the keys that the services check them with.
type casting struct {
	actors         map[string]Actor
	keys           access.StaticKeyring
	brokerPassword string
	populationKey  string
	// logins and users are the persons', for demo.json and for the embedded OpenID provider.
	logins        map[string]Login
	users         []oidc.User
	consoleSecret string
	// realPeople says that a provider of the operators' knows people: the actors of the demo do not exist.
	realPeople bool
}

// withoutActors is a casting for real people: of all that the demo has, the services' keys to one another are left. Whoever
// finds an old demo.json or tokens.json finds nothing in it that opens.
func (c casting) withoutActors() casting {
	keys := access.StaticKeyring{}
	for id, key := range c.keys {
		if key.Principal.Role == access.Service {
			keys[id] = key
		}
	}
	c.keys, c.logins, c.users, c.realPeople = keys, map[string]Login{}, nil, true
	return c
}

// token is what a service calls another one with.
func (c casting) token(service string) string { return c.actors[serviceActor(service)].Token }

// loadCast reads the actors of an earlier start, or makes new ones. Tokens stand in clear in a file that only the
// owner can read, because a demo has nobody to hand them to; real keys are stored as hashes only.
func loadCast(dir, topics string) (casting, error) {
	tokens, err := readTokens(filepath.Join(dir, "tokens.json"))
	if err != nil {
		return casting{}, err
	}
	c := casting{actors: map[string]Actor{}, keys: access.StaticKeyring{}, logins: map[string]Login{}}
	for name, actor := range cast(topics) {
		principal := actor.principal(name)
		if service, ok := strings.CutPrefix(name, serviceActor("")); ok {
			principal.ID = service
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
		if actor.KafkaUser != "" {
			actor.KafkaPassword = secret(tokens, "kafka_"+actor.KafkaUser)
		}
		c.actors[name], c.keys[key.ID] = actor, key
		if actor.isPerson() {
			person, user := login(tokens, name, actor)
			c.logins[name], c.users = person, append(c.users, user)
		}
	}
	c.brokerPassword, c.populationKey = secret(tokens, "broker"), secret(tokens, "population")
	c.consoleSecret = secret(tokens, "console")
	return c, writePrivate(filepath.Join(dir, "tokens.json"), tokens)
}

// secret returns a secret of an earlier start, or makes it.
func secret(tokens map[string]string, name string) string {
	if tokens[name] == "" {
		tokens[name] = rand.Text()
	}
	return tokens[name]
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
