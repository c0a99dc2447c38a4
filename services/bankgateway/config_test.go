package bankgateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/bankgateway"
)

func TestAConfigurationThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		config     bankgateway.Config
	}{
		{"no BIC", "SONGAN_BANKS", bankgateway.Config{Banks: []string{"vietinbank"}, InFlight: 1}},
		{"a bank twice", "SONGAN_BANKS", bankgateway.Config{Banks: []string{icb, bidv, icb}, InFlight: 1}},
		{"a password for nobody", "SONGAN_BANK_PASSWORDS", bankgateway.Config{Banks: []string{icb}, BankPasswords: map[string]string{bidv: "geheim"}, InFlight: 1}},
		{"records that are gone tomorrow", "SONGAN_BANKGATEWAY_RETENTION", bankgateway.Config{Banks: []string{icb}, InFlight: 1, Retention: 24 * time.Hour}},
		{"nothing in flight", "SONGAN_BANKGATEWAY_IN_FLIGHT", bankgateway.Config{Banks: []string{icb}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := bankgateway.NewWith(t.Context(), service.Deps{}, c.config)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "geheim") {
				t.Fatal(err)
			}
		})
	}
}

func TestBanksAreReadFromTheEnvironment(t *testing.T) {
	t.Parallel()
	config, err := service.LoadFrom[bankgateway.Config](map[string]string{
		"SONGAN_BANKS": icb + "," + bidv, "SONGAN_BANK_PASSWORDS": icb + ":one," + bidv + ":two",
		"SONGAN_ACCOUNTS_URL": "http://127.0.0.1:1", "SONGAN_ACCOUNTS_TOKEN": "t",
	})
	if err != nil || len(config.Banks) != 2 || config.BankPasswords[bidv] != "two" || !config.BankGrants || config.InFlight != 64 ||
		config.Retention != 90*24*time.Hour {
		t.Fatalf("%+v: %v", config, err)
	}
}
