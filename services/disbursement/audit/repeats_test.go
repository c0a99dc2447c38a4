package audit

import (
	"fmt"

	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

// message is something about a payment that is said once or more, in any order, and each time under a cause of its own: that it is a
// repetition can only be told from what it says.
type message struct {
	payment int
	command payment.Command
}

// hears takes a message, at once a second time, and a third time as it is delivered again: only the first can be news (I7).
func (d *payday) hears(m message) {
	d.heard++
	cause := fmt.Sprint("message-", d.heard)
	d.do(m.payment, cause, m.command)
	before := d.stands(m.payment)
	d.do(m.payment, cause+"-again", m.command)
	d.do(m.payment, cause, m.command)
	if after := d.stands(m.payment); after != before {
		d.t.Fatalf("I7: %T counts twice:\n%s\n%s", m.command, before, after)
	}
}

// stands is how a payment stands, whatever was noted besides.
func (d *payday) stands(i int) string {
	p := d.payments[i]
	p.Facts = 0
	return fmt.Sprint(p)
}

// arriveAll has everybody say everything again, and tells whether any payment stands otherwise after it.
func (d *payday) arriveAll() (news bool) {
	before := make([]string, len(d.payments))
	for i := range d.payments {
		before[i] = d.stands(i)
	}
	for _, m := range d.said {
		d.hears(m)
	}
	for i := range d.payments {
		news = news || d.stands(i) != before[i]
	}
	return news
}
