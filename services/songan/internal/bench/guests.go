package bench

import (
	"fmt"
	"strconv"
	"time"
)

// notice is the body of a stay, different for every n.
func notice(n int, arrived time.Time) []byte {
	names := [...]string{"Nguyễn Văn An", "Trần Thị Bình", "Lê Hoàng Châu", "Phạm Minh Dũng", "Hoàng Thu Hà", "Vũ Quốc Khánh", "Đặng Ngọc Lan", "Bùi Đức Mạnh"}
	sexes := [...]string{"male", "female"}
	name := n % len(names)
	year := 1950 + n%50
	return fmt.Appendf(nil, `{"guest":{"full_name":"%s","birth_date":"%d-0%d-1%d","sex":"%s","nationality":"VNM",`+
		`"document":{"type":"citizen_id","number":"001%d%02d%06d"},"residence":{"text":"Phường Ba Đình, Hà Nội","unit":"00004"},`+
		`"phone":"+84912%06d"},"arrived_at":"%s","expected_departure":"%s","room":"%d","reason":"tourism"}`,
		names[name], year, n%9+1, n%10, sexes[name%2], name%2, year%100, n%1_000_000,
		n%1_000_000, arrived.Format(time.RFC3339), arrived.AddDate(0, 0, 3).Format(time.DateOnly), 100+n%800)
}

// key is a different idempotency key for every run and n.
func key(run string, n int) string { return run + "-" + strconv.Itoa(n) }
