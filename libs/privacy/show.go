package privacy

import (
	"reflect"
	"strings"
	"unicode/utf8"
)

// Show returns what a reader sees of a subject: a copy with every text in its form. masked says that something is not as
// it is. A part behind a pointer of which nothing is left is nil.
func Show[T any](t Table, subject string, r Reader, value T) (shown T, masked bool) {
	shown = value
	masked = t.show(subject, r, reflect.ValueOf(&shown).Elem())
	return shown, masked
}

// show puts the texts of a struct into their forms. Whatever is neither text nor struct is not personal in any of ours,
// and a test of each subject says so.
func (t Table) show(path string, r Reader, v reflect.Value) (masked bool) {
	switch v.Kind() {
	case reflect.String:
		text := t.Text(path, r, v.String())
		masked = text != v.String()
		v.SetString(text)
	case reflect.Pointer:
		if v.IsNil() {
			return false
		}
		whole := reflect.New(v.Type().Elem())
		whole.Elem().Set(v.Elem())
		if masked = t.show(path, r, whole.Elem()); whole.Elem().IsZero() {
			whole = reflect.Zero(v.Type())
		}
		v.Set(whole)
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if t.show(path+"."+name, r, v.Field(i)) {
				masked = true
			}
		}
	default:
		masked = !v.IsZero()
		v.SetZero()
	}
	return masked
}

// FieldsOf lists the fields of a subject's type as the table names them.
func FieldsOf[T any](subject string) []string { return fieldsOf(subject, reflect.TypeFor[T]()) }

func fieldsOf(path string, typ reflect.Type) (names []string) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return []string{path}
	}
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		names = append(names, fieldsOf(path+"."+name, typ.Field(i).Type)...)
	}
	return names
}

// stars is how much of what is left out is shown: not its length.
const stars = "****"

func mask(form Form, value string) string {
	if value == "" {
		return ""
	}
	switch form {
	case Full:
		return value
	case Short:
		return short(value)
	case Tail:
		return tail(value)
	case Year:
		return year(value)
	default:
		return ""
	}
}

// short is "N. V. An" for Nguyễn Văn An.
func short(name string) string {
	parts := strings.Fields(name)
	for i, part := range parts[:max(0, len(parts)-1)] {
		first, _ := utf8.DecodeRuneInString(part)
		parts[i] = string(first) + "."
	}
	if len(parts) == 1 { // the only part would be all of the name
		first, _ := utf8.DecodeRuneInString(parts[0])
		return string(first) + "."
	}
	return strings.Join(parts, " ")
}

// tail is the last four characters, of what has at least twice as many.
func tail(number string) string {
	const seen = 4
	runes := []rune(number)
	if len(runes) < 2*seen {
		return stars
	}
	return stars + string(runes[len(runes)-seen:])
}

func year(date string) string {
	const digits = 4
	if len(date) < digits {
		return ""
	}
	return date[:digits]
}
