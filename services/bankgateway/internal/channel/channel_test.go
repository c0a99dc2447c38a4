package channel_test

import (
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/services/bankgateway/internal/channel"
)

func TestEveryFactHasACase(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[channel.Channel](t, bankgateway.ChannelFacts())
}

func TestAChannelIsPausedAndResumed(t *testing.T) {
	t.Parallel()
	paused, resumed := bankgateway.BankPaused{Bank: "B", Note: "n", By: "x"}, bankgateway.BankResumed{Bank: "B", By: "y"}
	decidertest.Run(t, []decidertest.Case[channel.Channel]{
		{Name: "what runs is paused", When: channel.Pause(paused), Then: []events.Event{paused}},
		{Name: "what is paused stays so", Given: []events.Event{paused}, When: channel.Pause(bankgateway.BankPaused{Bank: "B", Note: "other"})},
		{Name: "what is paused is resumed", Given: []events.Event{paused}, When: channel.Resume(resumed), Then: []events.Event{resumed}},
		{Name: "what runs is not resumed", Given: []events.Event{paused, resumed}, When: channel.Resume(resumed)},
	})
}
