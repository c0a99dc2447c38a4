package httpapi_test

import (
	"time"

	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/vn/units"
)

// notifying is what facilities alone may do.
const notifying = "accommodation.notify_stay"

// anybody may do this.
const anybody = "disbursement.read_programmes"

// policies are those of the program.
func policies(now func() time.Time) *policy.Policy {
	directory, err := units.Load()
	if err != nil {
		panic(err)
	}
	p, err := policy.Load(policy.Options{Units: directory, Now: now})
	if err != nil {
		panic(err)
	}
	return p
}
