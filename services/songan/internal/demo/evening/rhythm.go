package evening

import "time"

// An evening at front desks runs from 14:00 to 23:00.
const (
	opens  = 14 * time.Hour
	closes = 23 * time.Hour
	// halfHours is how many half hours that are.
	halfHours = int((closes - opens) / (30 * time.Minute))
)

// arrivals is how many parties are entered in each half hour, in proportion.
func arrivals() [halfHours]int {
	return [...]int{
		3, 3, 3, 3, // a quiet afternoon
		4, 6, 8, 9, // the rise: people come from work and from the road
		9, 8, 7, 7, // dinner
		8, 9, 11, 15, // people come back
		24, 40, // before 23:00 front desks enter what they put off
	}
}

// rhythm returns when the party is entered that has part of whole parties before it, in an evening that takes over.
func rhythm(part, whole int, over time.Duration) time.Duration {
	slots := arrivals()
	total := 0
	for _, n := range slots {
		total += n
	}
	before := 0
	for slot, n := range slots {
		// The party is number part*total/whole of the total, and slot holds n of them after before.
		if part*total <= (before+n)*whole {
			within := part*total - before*whole // of n*whole
			length := over / time.Duration(halfHours)
			return time.Duration(slot)*length + time.Duration(float64(length)*float64(within)/float64(n*whole))
		}
		before += n
	}
	return over
}

// Clock is what the clock in the lobby shows when so much of an evening of that length has passed: "21:40".
func Clock(passed, over time.Duration) string {
	at := closes
	if over > 0 && passed < over {
		at = opens + time.Duration(float64(closes-opens)*float64(passed)/float64(over))
	}
	return time.Time{}.Add(at).Format("15:04")
}
