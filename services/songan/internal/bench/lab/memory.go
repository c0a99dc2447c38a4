package lab

import (
	"slices"
	"time"
)

// WatchEvery is how often the system's memory is looked at.
const WatchEvery = 50 * time.Millisecond

// Peaks returns the peaks of the system's resident memory in the first and the second half of the time that work takes, in KiB.
func (l *Lab) Peaks(work func() error) (first, second int64, err error) {
	looks := []int64{l.Memory()}
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(WatchEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				looks = append(looks, l.Memory())
			}
		}
	}()
	err = work()
	close(done)
	<-ended
	looks = append(looks, l.Memory())
	half := len(looks) / 2
	return slices.Max(looks[:half]), slices.Max(looks[half:]), err
}
