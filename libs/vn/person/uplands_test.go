package person

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
)

func refused(value string) bool {
	var faults problem.Faults
	CheckNobody(&faults, "/here", value)
	return len(faults) > 0
}

// draw makes up a name as it is borne in the mountains, and says whether it is known without its marks as well.
func draw(t *rapid.T) (name string, bare bool) {
	pick := func(what, of string) string { return rapid.SampledFrom(strings.Fields(of)).Draw(t, what) }
	given := pick("given", "Pháo Chú Dơ Lử Hính Chiu Páo Phước Nếnh Mẩy Lai Tả Sử Lình Ngân")
	capitals := func(list string) string {
		word := []rune(pick("surname", list))
		return strings.ToUpper(string(word[:1])) + string(word[1:])
	}
	switch rapid.IntRange(0, 6).Draw(t, "people") {
	case 0:
		surname := capitals(hmong)
		return surname + " A " + given, strings.Contains(bareHmong, " "+folded(surname)+" ")
	case 1:
		surname := capitals(north)
		return surname + " " + pick("middle", "Văn Thị Seo") + " " + given, surname != "Ma" && strings.Contains(bareNorth, " "+folded(surname)+" ")
	case 2:
		return capitals(rare) + " " + pick("middle", "Láo Mùi Páo Sành") + " " + given, false
	case 3:
		return pick("clan", "Ksor Siu Kpă Rcom Rahlan Adrơng") + " " + given, true
	case 4:
		return pick("particle", "Y H") + " " + given + " " + pick("clan", "Niê Mlô Êban Byă Kbuôr Ktul"), true
	case 5:
		return pick("particle", "H' K' H’") + given, true
	default:
		return "Rơ " + pick("clan", "Châm Mah") + " " + given, true
	}
}

// However somebody of the mountains is written, they are neither named where they cannot be erased, nor shown.
func TestNamesOfTheMountainsAreNamesToo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name, bare := draw(t)
		writings := []string{name, strings.ToUpper(name), "theo đơn của " + name, "BTXH-118/" + strings.ReplaceAll(name, " ", "_")}
		if bare {
			writings = append(writings, vn.Fold(name), strings.ToLower(vn.Fold(name)))
		}
		written := rapid.SampledFrom(writings).Draw(t, "written")
		if !refused(written) {
			t.Fatalf("%s is no name", written)
		}
		if got := Hide("phòng của " + name); got != "phòng của "+hidden {
			t.Fatalf("%s is shown as %s", name, got)
		}
	})
}

// What is no name stays what it is: every unit of the country, and what rooms, programmes, cases and remarks are called.
func TestPlacesAndThingsAreNoNamesOfTheMountains(t *testing.T) {
	t.Parallel()
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	things := strings.Split("Phòng Vàng 1|Vàng Son|Mùa Xuân|mùa thu Hà Nội|Cà phê sáng|Cà Mau|Chào mừng quý khách|Tân Sơn Nhất|ca A sáng|Lầu A phía đông|bàn văn phòng"+
		"|mua van phong pham|ma van don|ma vận đơn|Bac A Bank|ban thi đua khen thưởng|Ban Văn hóa xã|2 triệu đồng một tháng|Trạm Y tế xã|y tá trực đêm|người H'Mông"+
		"|dân tộc K'Ho|huyện Ea H'leo|Buôn Ma Thuột|thành phố Buôn Ma Thuột|khăn quàng đỏ|chảo chống dính|trang A một|Sông A Sáp|vàng mã|bạc thị trường|lò thị trấn"+
		"|Giang Điền Resort|Bắc Giang|Ia Grai|Krông Nô|ghi rõ ở dưới|Trợ giúp xã hội thường xuyên|Trợ cấp hưu trí xã hội|Người có công với cách mạng|hạng A view biển", "|")
	for _, day := range []vn.Date{vn.MustDate(2025, time.June, 30), vn.MustDate(2026, time.November, 22)} {
		for _, level := range []units.Level{units.Province, units.District, units.Commune} {
			for u := range directory.All(level, day) {
				things = append(things, u.Name, vn.Fold(u.Name), "UBND "+u.Name+" số 118/QĐ")
			}
		}
	}
	if len(things) < 10_000 {
		t.Errorf("only %d places and things were looked at", len(things))
	}
	people := regexp.MustCompile(`(?i)bế văn đàn|lý văn lâm|luong van tri`) // who have communes named after them
	for _, thing := range things {
		if holdsUpland(thing) && !people.MatchString(thing) {
			t.Errorf("%s is taken for somebody", thing)
		}
	}
}

// Our own ids are quoted in cases, orders and keys. None looks like somebody's number, alone or as a bank knows it.
func TestOurOwnIDsAreNobodysNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[a-z2-7]{4}[2-7]{9}[a-z][2-7]{6}[a-z2-7]{6}`).Draw(t, "id")
		for _, quoted := range []string{id, "PC-" + id, "SA-" + strings.ToUpper(id) + "-1", "payroll " + id + ", line 7"} {
			if refused(quoted) || Hide(quoted) != quoted {
				t.Fatalf("%s is taken for somebody's number", quoted)
			}
		}
		if refused("vo " + id + " le") {
			t.Fatal("words on both sides of an id are taken for a name")
		}
		if !refused(id[4:]) || !refused(id+" 0912345678") {
			t.Fatal("a number beside an id, or a piece of one, passes")
		}
	})
}
