package bench

import (
	"strconv"
	"time"
)

// stays writes bodies of stays, each different. It shares the cores with what is measured, so it formats nothing twice.
type stays struct{ arrival string }

func newStays(arrived time.Time) stays {
	return stays{`"arrived_at":"` + arrived.Format(time.RFC3339) + `","expected_departure":"` +
		arrived.AddDate(0, 0, 3).Format(time.DateOnly) + `","room":"`}
}

// append adds the nth body to b.
func (s stays) append(b []byte, n int) []byte {
	names := [...]string{"Nguyễn Văn An", "Trần Thị Bình", "Lê Hoàng Châu", "Phạm Minh Dũng", "Hoàng Thu Hà", "Vũ Quốc Khánh", "Đặng Ngọc Lan", "Bùi Đức Mạnh"}
	sexes := [...]string{"male", "female"}
	name, year := n%len(names), 1950+n%50
	b = append(append(b, `{"guest":{"full_name":"`...), names[name]...)
	b = strconv.AppendInt(append(b, `","birth_date":"`...), int64(year), 10)
	b = append(b, '-', '0', '1'+byte(n%9), '-', '1', '0'+byte(n%10))
	b = append(append(b, `","sex":"`...), sexes[name%2]...)
	b = append(b, `","nationality":"VNM","document":{"type":"citizen_id","number":"001`...)
	b = append(b, '0'+byte(name%2))
	b = digits(digits(b, year%100, 2), n, 6)
	b = append(b, `"},"residence":{"text":"Phường Ba Đình, Hà Nội","unit":"00004"},"phone":"+84912`...)
	b = append(append(digits(b, n, 6), `"},`...), s.arrival...)
	b = strconv.AppendInt(b, int64(100+n%800), 10)
	return append(b, `","reason":"tourism"}`...)
}

// digits adds the last so many digits of n.
func digits(b []byte, n, many int) []byte {
	for range many {
		b = append(b, 0)
	}
	for i := 1; i <= many; i++ {
		b[len(b)-i] = '0' + byte(n%10)
		n /= 10
	}
	return b
}

// key is a different idempotency key for every run and n.
func key(run string, n int) string { return run + "-" + strconv.Itoa(n) }
