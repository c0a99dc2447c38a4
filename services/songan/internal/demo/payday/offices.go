package payday

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/roll"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/witness"
)

// System is what a payday needs of demo.json.
type System struct {
	Actors map[string]Actor `json:"actors"`
	// Banks are the simulated banks by BIC.
	Banks map[string]Bank `json:"banks"`
}

// Actor is somebody who may call the system.
type Actor struct {
	Unit  string `json:"unit"`
	Token string `json:"token"`
}

// Bank is where a simulated bank is told how to behave, and shows its books.
type Bank struct {
	Control string `json:"control"`
}

// controls finds the banks' control addresses where system finds everything.
func controls(system func() (System, error)) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		found, err := system()
		addresses := map[string]string{}
		for bic, bank := range found.Banks {
			addresses[bic] = bank.Control
		}
		return addresses, err
	}
}

// ReadSystem reads demo.json.
func ReadSystem(file string) (System, error) {
	var system System
	data, err := os.ReadFile(file) //nolint:gosec // the file that the user named
	if err != nil {
		return system, fmt.Errorf("read where the banks are: %w", err)
	}
	if err := json.Unmarshal(data, &system); err != nil {
		return system, fmt.Errorf("%s is not written by this system", file)
	}
	return system, nil
}

// Communes are the units in which the system's officers pay, in the order of their codes.
func Communes(system System) []string {
	var units []string
	for name, actor := range system.Actors {
		if name == "lisa" || strings.HasPrefix(name, "lisa_") {
			units = append(units, actor.Unit)
		}
	}
	slices.Sort(units)
	return units
}

// Banks are the BICs of the system's simulated banks, in the order of the people who bank with them.
func Banks(system System) []string {
	order := []string{"VBAAVNVX", "ICBVVNVX", "BFTVVNVX", "BIDVVNVX"}
	known := slices.Sorted(maps.Keys(system.Banks))
	slices.SortStableFunc(known, func(a, b string) int {
		return cmp.Compare(place(order, a), place(order, b))
	})
	return known
}

// Plan plans who is paid: people of the communes that have officers, at the banks that there are.
func Plan(system System, o roll.Options) ([]*roll.Beneficiary, error) {
	directory, err := units.Load()
	if err != nil {
		return nil, fmt.Errorf("load administrative units: %w", err)
	}
	for _, code := range Communes(system) {
		commune, found := directory.Find(code, o.Today)
		if !found {
			return nil, fmt.Errorf("commune %s does not exist on %s", code, o.Today)
		}
		province, _ := directory.Province(commune, o.Today)
		o.Communes, o.Province = append(o.Communes, commune), province.Name
	}
	o.Banks = Banks(system)
	return roll.Plan(o)
}

func place(order []string, name string) int {
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}

// office is the officers of a commune, and the people they pay.
type office struct {
	unit                                           string
	lisa, accountant, chairman, treasurer, auditor string

	people []*person
	// byID finds people by their id at accounts.
	byID map[string]*person

	// payroll is the list's id, month what it is for, total what was approved.
	payroll, month string
	total          int64
	// signed tells that an earlier play of the same payday took the list further: accounts may have changed since.
	signed bool
	lines  []witness.Line
	// cashed are the payments that were handed over, reissued those that were tried again, with their dong.
	cashed, reissued map[string]int64

	mu sync.Mutex
	// seen is the latest position at which disbursement recorded a change of this office.
	seen int64
}

// person is somebody on the roll and what is known of them so far.
type person struct {
	*roll.Beneficiary

	id string
	// account is its state when the list was drafted; empty when none was asked for.
	account string
}

// paid tells whether the person's money goes to an account.
func (p *person) paid() bool { return p.account == "opened" || p.account == "active" }

func officesOf(system System, all []*roll.Beneficiary) ([]*office, error) {
	var offices []*office
	for _, unit := range Communes(system) {
		mark := "_" + unit
		if system.Actors["lisa"].Unit == unit {
			mark = ""
		}
		o := &office{
			unit: unit, lisa: system.Actors["lisa"+mark].Token, accountant: system.Actors["accountant"+mark].Token,
			chairman: system.Actors["chairman"+mark].Token, treasurer: system.Actors["treasurer"].Token,
			auditor: system.Actors["auditor"].Token, byID: map[string]*person{}, cashed: map[string]int64{}, reissued: map[string]int64{},
		}
		if o.lisa == "" || o.accountant == "" || o.chairman == "" || o.treasurer == "" || o.auditor == "" {
			return nil, fmt.Errorf("demo.json does not name all officers of commune %s", unit)
		}
		for _, b := range all {
			if b.Commune == unit {
				o.people = append(o.people, &person{Beneficiary: b})
			}
		}
		if len(o.people) > 0 {
			offices = append(offices, o)
		}
	}
	return offices, nil
}
