package telemetry

import (
	"slices"
	"strings"
	"unicode"
)

// Denied reports whether a field key speaks of a person or a secret, so that its value is never written. Keys are
// compared by their words, in any spelling: guest_name, guestName and guest.name are the same.
//
// Denied are the bare words name, number, document, address, body, payload and their like; everything with a word
// such as phone, birth, token or password in it; names and numbers of somebody (guest_name, account_number); and
// the Vietnamese keys of forms (ho_ten, so_dien_thoai). Names of things stay: handler_name, topic, service.
func Denied(key string) bool {
	if key == "" {
		return false
	}
	words := split(key)
	joined := strings.Join(words, "")
	if slices.Contains(deniedKeys(), joined) || containsAny(joined, deniedParts()) {
		return true
	}
	if slices.ContainsFunc(words, func(w string) bool { return hasWord(deniedWords(), w) }) {
		return true
	}
	last := words[len(words)-1]
	switch last {
	case "name", "names":
		return slices.ContainsFunc(words, func(w string) bool { return hasWord(somebody(), w) })
	case "number", "numbers", "no", "num", "id":
		return slices.ContainsFunc(words, func(w string) bool { return hasWord(numbered(), w) })
	}
	return false
}

// split returns the words of a key in lower case: "guestName", "guest_name2" are both guest, name.
func split(key string) []string {
	var words []string
	word := strings.Builder{}
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	last := ' '
	for _, r := range key {
		if !unicode.IsLetter(r) { // a digit ends a word as well: phone2
			end()
		} else {
			if unicode.IsUpper(r) && unicode.IsLower(last) {
				end()
			}
			word.WriteRune(unicode.ToLower(r))
		}
		last = r
	}
	end()
	if words == nil {
		return []string{""}
	}
	return words
}

// hasWord looks for a word in singular or plural.
func hasWord(list []string, word string) bool {
	return slices.Contains(list, word) || slices.Contains(list, strings.TrimSuffix(word, "s"))
}

func containsAny(s string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(s, part) })
}

// deniedKeys are denied when they are the whole key.
func deniedKeys() []string {
	return []string{
		"name", "names", "number", "numbers", "document", "documents", "doc", "address", "dob", "guest", "person",
		"people", "citizen", "beneficiary", "representative", "body", "requestbody", "responsebody", "payload",
		"plain", "args", "arguments", "query", "headers", "header", "metadata", "ten", "sdt", "auth",
	}
}

// deniedWords are denied wherever they stand in a key.
func deniedWords() []string {
	return []string{
		"password", "passwd", "passphrase", "pwd", "secret", "token", "jwt", "authorization", "cookie", "credential",
		"bearer", "apikey", "phone", "telephone", "mobile", "email", "birth", "birthday", "birthdate", "birthplace",
		"dob", "passport", "cccd", "cmnd", "mrz", "surname", "fullname", "nickname", "firstname", "lastname", "iban",
		"plaintext", "address", "cleartext",
	}
}

// deniedParts are denied wherever they stand in the key without its separators.
func deniedParts() []string {
	return []string{
		"apikey", "privatekey", "password", "fullname", "birthdate", "dateofbirth", "hoten", "hovaten", "sodinhdanh",
		"diachi", "ngaysinh", "dienthoai", "sotaikhoan",
	}
}

// somebody are the words that make a name a person's.
func somebody() []string {
	return []string{
		"guest", "person", "full", "first", "last", "middle", "family", "given", "maiden", "holder", "owner",
		"beneficiary", "representative", "citizen", "patient", "customer", "mother", "father", "spouse", "child",
		"legal", "creditor", "debtor", "payee", "officer", "contact",
	}
}

// numbered are the words that make a number, or an id, a person's.
func numbered() []string {
	return []string{
		"document", "doc", "identity", "identification", "citizen", "national", "personal", "card", "account",
		"insurance", "household", "patient", "tax", "license", "licence",
	}
}
