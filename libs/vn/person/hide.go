package person

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/songan-vn/songan/libs/vn"
)

// hidden stands where somebody stood.
const hidden = "***"

// longestName is how many words a Vietnamese name has at the most, among people who are written about.
const longestName = 5

// spelled are the surnames of [CheckNobody] with their marks: "lễ" is no Lê. A word without any marks may be each of them.
// "vì" is not among them, being "because" nearly always.
//
//nolint:dupword // these are names
const spelled = " nguyễn trần phạm huỳnh hoàng phan phàn võ đặng bùi ngô dương đinh trịnh trình đoàn doãn lương lường lưu lừu trương" +
	" quách thạch vương nghiêm nông khuất lê vũ vừ hồ hờ đỗ lý lí lỳ mai hà tô đào cao lâm tạ chu chử thái phùng kiều đàm tống tòng" +
	" thân châu chẩu quan quản la lã lò lô lỗ vi hứa tăng tằng "

// phrases are words of everyday that begin or end like a surname, unless the second word is written in capitals. Whoever
// writes without marks is believed only in those that are no name without marks either: "doan the" may be Đoàn Thế.
const (
	phrases = "|lưu trú|lưu ý|lưu trữ|lưu giữ|lý do|lí do|lý lịch|lí lịch|hồ sơ|thân nhân|thân tộc|thân mật|mai táng|mai này" +
		"|tăng mức|tăng thêm|tăng lên|tăng từ|vi phạm|phạm vi|phạm nhân|phạm lỗi|quan hệ|quan tâm|quan trọng|đào tạo|cao tuổi|cao hơn|cao nhất" +
		"|thái độ|dương tính|dương lịch|lương hưu|lương tháng|lương thực|đoàn tụ|đoàn thể|đoàn khách|nghiêm trọng|nghiêm túc|nông nghiệp" +
		"|nông dân|nông thôn|hoàng hôn|trần nhà|tạ ơn|tống đạt|đàm phán|hà tiện|châu âu|châu á|la hét|đặng mà|chu cấp|chu đáo|chu kỳ|lò sưởi" +
		"|trình báo|trình bày|trình diện|trình độ|trình tự|quá trình|chương trình|công trình|quy trình|lịch trình|hành trình" +
		"|lô hàng|lô đất|lường trước|đo lường|quản lý|quản lí|bảo quản|ly hôn|ly thân|tang lễ|đám tang|lo lắng|"
	unmarked = "|luu tru|luu y|ly do|li do|ho so|vi pham|than nhan|"
	// behindWords are what else than a given name follows the middle names "văn" and "thị".
	behindWords = "|văn bản|văn phòng|văn thư|văn hóa|văn hoá|thị thực|thị trấn|thị xã|thị trường|thị lực|"
)

// Hide replaces in a remark what looks like somebody: names, numbers of documents, telephones. It errs where [CheckNobody]
// does, except for words of everyday. It is for remarks about one person that are shown to that person, in which others may
// be named.
func Hide(text string) string {
	all := strings.Fields(text)
	out := make([]string, 0, len(all))
	for at := 0; at < len(all); {
		n, said := numberAt(all[at:]), 0
		if n == 0 && uplandAt(all[at:]) {
			n = span(all[at:])
		}
		if n == 0 {
			said = everyday(all[at:])
		}
		if n == 0 && said == 0 {
			n = nameAt(all[at:])
		}
		if n > 0 {
			out = append(out, hidden)
		} else {
			n = max(1, said)
			out = append(out, all[at:at+n]...)
		}
		at += n
	}
	return strings.Join(out, " ")
}

// nameAt counts the words of a name that begins with the first word: a surname, and what is written like it behind.
func nameAt(all []string) int {
	first := words(all[0])
	if len(first) == 0 {
		return 0
	}
	if len(first) > 1 { // written together: NguyenVanAn
		return one(holdsName(all[0]))
	}
	surname := " " + first[0] + " "
	if !strings.Contains(surnames, surname) && !strings.Contains(ambiguous, surname) {
		return 0
	}
	if !holdsName(strings.Join(all[:min(len(all), longestName)], " ")) {
		return 0
	}
	return span(all)
}

// span counts the words that are written like the first one, as far as a name may reach.
func span(all []string) int {
	near, n := all[:min(len(all), longestName)], 1
	for n < len(near) && (n == 1 || capital(near[n]) == capital(near[0])) && !ends(near[n-1]) {
		n++
	}
	return n
}

// everyday counts the words at the front that are none of a name: one whose marks are no surname's, or one of the phrases.
// Written without marks, "do" may be Đỗ; among small words with marks it is not.
func everyday(all []string) int {
	if len(words(all[0])) != 1 || named(all) {
		return 0
	}
	first, near := plain(all[0]), plain(strings.Join(all[1:min(len(all), longestName)], " "))
	both, marked := "", near != folded(near)
	if len(all) > 1 && !capital(all[1]) {
		both = "|" + first + " " + plain(all[1]) + "|"
	}
	const phrase = 2
	switch {
	case both != "" && strings.Contains(phrases+unmarked, both):
		return phrase
	case first != folded(first) && !strings.Contains(spelled, " "+first+" "):
		return 1
	case both != "" && marked && strings.Contains(" do ho ta ", " "+first+" "):
		return 1
	}
	return 0
}

// named tells what a name shows, whatever its surname: two words with capitals, or a middle name behind.
func named(all []string) bool {
	const middle = 3
	if len(all) > 1 && capital(all[0]) && capital(all[1]) {
		return true
	}
	if len(all) < middle {
		return false
	}
	second := plain(all[1])
	return (second == "văn" || second == "thị") && !strings.Contains(behindWords, "|"+second+" "+plain(all[2])+"|")
}

func folded(text string) string { return strings.ToLower(vn.Fold(text)) }

// plain is a word in small letters without what stands around it.
func plain(word string) string {
	return strings.ToLower(strings.TrimFunc(norm.NFC.String(word), func(r rune) bool { return !unicode.IsLetter(r) }))
}

// capital tells whether the first letter of a word is one.
func capital(word string) bool {
	at := strings.IndexFunc(word, unicode.IsLetter)
	return at >= 0 && unicode.IsUpper([]rune(word[at:])[0])
}

func ends(word string) bool { return strings.ContainsAny(word[len(word)-1:], ".,;:!?)") }

// numberAt counts the words that make up a number of somebody.
func numberAt(all []string) int {
	n := 0
	for n < len(all) && strings.IndexFunc(all[n], unicode.IsDigit) >= 0 && strings.IndexFunc(all[n], unicode.IsLetter) < 0 {
		n++
	}
	if n > 0 && holdsNumber(strings.Join(all[:n], " ")) {
		return n
	}
	return one(holdsNumber(withoutIDs(all[0])))
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
