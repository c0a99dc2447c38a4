package privacy

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/songan-vn/songan/libs/access"
)

//go:embed disclosure.txt
var disclosure string

// Class is how the law ranks data.
type Class string

// The classes.
const (
	Basic     Class = "basic"
	Sensitive Class = "sensitive"
)

// Form is how a field is shown.
type Form string

// The forms. Hidden is that of whoever is not named.
const (
	Full   Form = "full"
	Short  Form = "short"
	Tail   Form = "tail"
	Year   Form = "year"
	Hidden Form = ""
)

// Reader is who looks at a subject, and how.
type Reader struct {
	Role access.Role
	// Sensitive says that the subject is; Stated that a purpose and a case were.
	Sensitive, Stated bool
}

// Field is a line of the table.
type Field struct {
	Name  string
	Class Class
	// Usual, Strict and Stated are the columns: forms by role.
	Usual, Strict, Stated map[access.Role]Form
}

func (f Field) form(r Reader) Form {
	switch {
	case !r.Sensitive:
		return f.Usual[r.Role]
	case r.Stated:
		return f.Stated[r.Role]
	default:
		return f.Strict[r.Role]
	}
}

// Table says in which form each role sees each field.
type Table struct {
	fields map[string]Field
	names  []string
}

// LoadTable returns the table that comes with the program.
func LoadTable() (Table, error) { return ParseTable(disclosure) }

// ParseTable reads a table of the form of disclosure.txt.
func ParseTable(text string) (Table, error) {
	t := Table{fields: map[string]Field{}}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f, err := parseField(line)
		if _, twice := t.fields[f.Name]; twice && err == nil {
			err = errors.New("the field stands there twice")
		}
		if err != nil {
			return Table{}, fmt.Errorf("read disclosure table, line %d: %w", number, err)
		}
		t.fields[f.Name] = f
		t.names = append(t.names, f.Name)
	}
	return t, nil
}

func parseField(line string) (f Field, err error) {
	const columns = 5
	column := strings.Split(line, "|")
	if len(column) != columns {
		return f, fmt.Errorf("%d columns instead of %d", len(column), columns)
	}
	f.Name, f.Class = strings.TrimSpace(column[0]), Class(strings.TrimSpace(column[1]))
	if f.Class != Basic && f.Class != Sensitive || !strings.Contains(f.Name, ".") {
		return f, errors.New("a field of a subject is needed, and its class")
	}
	for i, into := range []*map[access.Role]Form{&f.Usual, &f.Strict, &f.Stated} {
		if *into, err = parseForms(column[2+i]); err != nil {
			return f, err
		}
	}
	return f, nil
}

func parseForms(text string) (map[access.Role]Form, error) {
	forms := map[access.Role]Form{}
	if strings.TrimSpace(text) == "-" {
		return forms, nil
	}
	for word := range strings.FieldsSeq(text) {
		role, form, _ := strings.Cut(word, "=")
		_, twice := forms[access.Role(role)]
		if !access.Role(role).Known() || twice || !slices.Contains([]Form{Full, Short, Tail, Year}, Form(form)) {
			return nil, errors.New("roles are followed by = and a form, each once")
		}
		forms[access.Role(role)] = Form(form)
	}
	return forms, nil
}

// Fields are the lines of the table, in their order.
func (t Table) Fields() []Field {
	all := make([]Field, 0, len(t.names))
	for _, name := range t.names {
		all = append(all, t.fields[name])
	}
	return all
}

// Has tells whether a field has a line.
func (t Table) Has(field string) bool { _, has := t.fields[field]; return has }

// Sees tells whether a reader sees a field as it is.
func (t Table) Sees(field string, r Reader) bool { return t.fields[field].form(r) == Full }

// Text returns a field's value in the form in which a reader sees it.
func (t Table) Text(field string, r Reader, value string) string {
	return mask(t.fields[field].form(r), value)
}
