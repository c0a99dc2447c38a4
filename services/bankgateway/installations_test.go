package bankgateway_test

import (
	"testing"

	"github.com/songan-vn/songan/libs/kafkabus"
)

// Two installations on one cluster, such as a test system beside the real one, each let in the banks that they serve with
// a password of their own, whichever starts last.
func TestTwoInstallationsOnOneClusterDoNotLockOutEachOthersBanks(t *testing.T) {
	t.Parallel()
	first, second := open(t), open(t)
	for _, g := range []*gate{first, second} {
		bus, err := kafkabus.Connect(kafkabus.Settings{
			Brokers: g.Config.Brokers, User: g.Config.Topics + ".bank." + icb, Password: g.settings.BankPasswords[icb],
		})
		if err != nil {
			t.Fatal(err)
		}
		defer bus.Close()
		conn, err := bus.Dialer.DialContext(t.Context(), "tcp", g.Config.Brokers[0]) // logs in
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}
