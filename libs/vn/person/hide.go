package person

import (
	"strings"
	"unicode"
)

// hidden stands where somebody stood.
const hidden = "***"

// longestName is how many words a Vietnamese name has at the most, among people who are written about.
const longestName = 5

// Hide replaces in a remark what looks like somebody: names, numbers of documents, telephones. It errs where [CheckNobody]
// does. It is for remarks about one person that are shown to that person, in which others may be named.
func Hide(text string) string {
	all := strings.Fields(text)
	out := make([]string, 0, len(all))
	for at := 0; at < len(all); {
		if n := max(nameAt(all[at:]), numberAt(all[at:])); n > 0 {
			out = append(out, hidden)
			at += n
			continue
		}
		out = append(out, all[at])
		at++
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
	near := all[:min(len(all), longestName)]
	if !holdsName(strings.Join(near, " ")) {
		return 0
	}
	n := 1
	for n < len(near) && (n == 1 || likeAName(near[0], near[n])) && !ends(near[n-1]) {
		n++
	}
	return n
}

// likeAName tells whether a word is written as the surname is: in capitals, with one, or small.
func likeAName(surname, word string) bool {
	return unicode.IsUpper([]rune(word)[0]) == unicode.IsUpper([]rune(surname)[0])
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
	return one(holdsNumber(all[0]))
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
