package service_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/service"
)

func TestAConfigurationIsShownWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	type own struct {
		Database string `env:"DATABASE_URL"`
		DSN      string `env:"SONGAN_SESSION_DATABASE_URL"`
		Broken   string `env:"SONGAN_PEOPLE_URL"`
		Password string `env:"SONGAN_KAFKA_PASSWORD"`
		Many     string `env:"SONGAN_BANK_PASSWORDS"`
		Client   string `env:"SONGAN_OIDC_CLIENT_SECRET"`
		Token    string `env:"SONGAN_ACCOUNTS_TOKEN,required"`
		Peer     string `env:"SONGAN_PEOPLE_TOKEN"`
		Key      string `env:"SONGAN_POPULATION_KEY"`
		File     string `env:"SONGAN_SESSION_KEY"`
		Wait     string `env:"SONGAN_STOP_DELAY" envDefault:"3s"`
	}
	const secret = "hunter2"
	got, err := service.DescribeFrom[own](map[string]string{
		"DATABASE_URL":                "postgres://songan:" + secret + "@db:5432/x?sslpassword=" + secret,
		"SONGAN_SESSION_DATABASE_URL": "host=db password=" + secret, "SONGAN_PEOPLE_URL": "http://u:" + secret + "@[/",
		"SONGAN_KAFKA_PASSWORD": secret, "SONGAN_BANK_PASSWORDS": "A:" + secret, "SONGAN_OIDC_CLIENT_SECRET": secret,
		"SONGAN_POPULATION_KEY": secret, "SONGAN_PEOPLE_TOKEN": secret, "SONGAN_SESSION_KEY": "/etc/songan/session.key",
	})
	want := []service.Setting{
		{"DATABASE_URL", "postgres://db:5432/x"},
		{"SONGAN_ACCOUNTS_TOKEN", "(not set)"},
		{"SONGAN_BANK_PASSWORDS", "(set)"},
		{"SONGAN_KAFKA_PASSWORD", "(set)"},
		{"SONGAN_OIDC_CLIENT_SECRET", "(set)"},
		{"SONGAN_PEOPLE_TOKEN", "(set)"},
		{"SONGAN_PEOPLE_URL", "(set)"},
		{"SONGAN_POPULATION_KEY", "(set)"},
		{"SONGAN_SESSION_DATABASE_URL", "(set)"},
		{"SONGAN_SESSION_KEY", "/etc/songan/session.key"},
		{"SONGAN_STOP_DELAY", "3s"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err, fmt.Sprint(got))
	}
}
