package person

import (
	"strings"
	"unicode"
)

// Names of the mountains and of the Central Highlands are put together of words that mean other things, too: vàng is gold, mùa a season,
// and Giàng without its mark a river. So it is the name that counts, and not the surname:
//
//  1. a Hmong surname with A behind it, or one of any people of the north with Văn, Thị or Seo, and a given name: Giàng A Pháo, Quàng
//     Văn Hính; in a text with marks the surname has its own;
//  2. a surname that is hardly another word, with its marks, in front of two words that are written in capitals like it: Chảo Láo Tả;
//  3. a clan of the Central Highlands beside another word: Ksor Phước, Y Thuột Niê;
//  4. a name with its particle: H'Hen, K'Brêu. The places and peoples that are written like that are known.
//
//nolint:dupword // these are names
const (
	hmong = " giàng sùng thào vàng mùa ma hờ tráng sồng xồng cứ chá cháng vừ ly lý lù hầu phàng vù "
	north = hmong + "lầu quàng lường tòng lèo lò cà triệu bàn tẩn chảo chìu phàn bế lục lộc đèo điêu cầm bạc lìu hạng "
	rare  = " giàng sùng thào tẩn quàng lường chìu phàn lèo tòng lìu chảo "
	// bareHmong and bareNorth are those that are believed without any marks: "ma van don" is a waybill, "mua van phong pham" buys paper.
	bareHmong = " giang sung thao vang xong chang hau phang ma "
	bareNorth = " giang sung thao vang xong chang hau phang quang luong tong leo trieu deo dieu hang lu "
	clans     = " ksor siu kpa rcom rmah rahlan nie mlo eban bya kbuor ktul adrong hmok bkrong knul "
	twoWords  = "|rơ châm|rơ mah|rơ lan|ro cham|ro mah|"
	particled = " h'leo h'drai h'đing h'ding h'mlay k'nàng k'nang k'bang h'mông h'mong h'rê h're k'ho "
)

// uplandAt tells whether a name of the mountains begins with the first word.
func uplandAt(all []string) bool {
	var near []string // without marks beside letters, and up to the first word that is none
	for _, word := range all[:min(len(all), longestName)] {
		if strings.ContainsFunc(word, unicode.IsDigit) || plain(word) == "" {
			break
		}
		near = append(near, plain(word))
	}
	if len(near) == 0 {
		return false
	}
	first := strings.ReplaceAll(strings.ReplaceAll(near[0], "’", "'"), "ʼ", "'")
	for _, particle := range []string{"h'", "k'"} {
		if behind, is := strings.CutPrefix(first, particle); is {
			return len(behind) > 1 && !strings.Contains(particled, " "+first+" ")
		}
	}
	clan := func(n int) bool { return n < len(near) && strings.Contains(clans, " "+folded(near[n])+" ") }
	switch {
	case len(near) == 1:
		return false
	case clan(0), strings.Contains(twoWords, "|"+first+" "+near[1]+"|"):
		return true
	case first == "y" || first == "h":
		return clan(1) || clan(2)
	}
	return len(near) > 2 && northern(near, capital(all[0]) && capital(all[1]) && capital(all[2]))
}

// northern tells whether three words are the beginning of a name of the north.
func northern(near []string, capitals bool) bool {
	surname, middle := " "+near[0]+" ", near[1]
	first := strings.Join(near[:3], " ")
	if first == folded(first) {
		return (middle == "a" || middle == "seo") && strings.Contains(bareHmong, surname) ||
			strings.Contains(" van thi seo ", " "+middle+" ") && strings.Contains(bareNorth, surname)
	}
	if near[2] == "phìn" { // a plateau: Giàng Chu Phìn, Thào Chư Phìn
		return false
	}
	word := strings.Contains(behindWords, "|"+middle+" "+near[2]+"|")
	return middle == "a" && strings.Contains(hmong, surname) || capitals && strings.Contains(rare, surname) ||
		!word && strings.Contains(" văn thị seo ", " "+middle+" ") && strings.Contains(north, surname)
}

// holdsUpland looks for a name of the mountains anywhere.
func holdsUpland(value string) bool {
	all := strings.FieldsFunc(strings.ToValidUTF8(value, "?"), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune("'’ʼ", r)
	})
	for i := range all {
		if uplandAt(all[i:]) {
			return true
		}
	}
	return false
}
