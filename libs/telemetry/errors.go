package telemetry

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
)

// Err returns the field "error" with the harmless text of err. Loggers of this package treat zap.Error the same way;
// Err is for those that are not.
func Err(err error) zap.Field {
	if err == nil {
		return zap.Skip()
	}
	return zap.String("error", ErrText(err))
}

// ErrText returns the text of err without the values that libraries put into it: PostgreSQL's message about a bad
// value and its detail ("Key (number)=(...) already exists"), pgx's arguments, what strconv, time and json could not
// parse, the query and user part of a URL. Codes, constraints, tables and columns stay. The rest is scrubbed.
func ErrText(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	walk(err, 0, func(e error) { text = withoutValues(text, e) })
	return scrubError(text)
}

// scrubError does what can be done for an error of which only the text is left, as in a span.
func scrubError(text string) string {
	text = postgresText.ReplaceAllStringFunc(text, func(match string) string {
		if parts := postgresText.FindStringSubmatch(match); !speaksOfServer(parts[1]) {
			return "SQLSTATE " + parts[1]
		}
		return match
	})
	return Scrub(pgxArguments.ReplaceAllString(text, "unable to encode "+hidden+" into"))
}

// pgxArguments is how pgx names an argument that does not fit its parameter: by "%#v".
//

var pgxArguments = regexp.MustCompile(`(?s)unable to encode .*? into`)

// postgresText is how pgconn writes an error of the server.
//

var postgresText = regexp.MustCompile(`(?s)(?:ERROR|FATAL|PANIC): .*?\(SQLSTATE (\w{5})\)`)

// deepestChain bounds the walk through wrapped errors.
const deepestChain = 32

func walk(err error, depth int, visit func(error)) {
	if err == nil || depth > deepestChain {
		return
	}
	visit(err)
	switch e := err.(type) { //nolint:errorlint // this is the walk itself
	case interface{ Unwrap() error }:
		walk(e.Unwrap(), depth+1, visit)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			walk(inner, depth+1, visit)
		}
	}
}

func withoutValues(text string, err error) string {
	switch e := err.(type) { //nolint:errorlint // one link of the chain; walk goes through the others
	case *pgconn.PgError:
		text = strings.ReplaceAll(text, e.Error(), describe(e))
		if !speaksOfServer(e.Code) {
			text = drop(text, e.Message)
		}
		return drop(text, e.Detail, e.Where, e.Hint, e.InternalQuery)
	case *strconv.NumError:
		return strings.ReplaceAll(text, e.Error(), e.Func+": "+e.Err.Error())
	case *time.ParseError:
		return strings.ReplaceAll(text, e.Error(), "parsing time: not of the layout "+e.Layout)
	case *json.UnmarshalTypeError:
		return strings.ReplaceAll(text, e.Error(), "json: wrong type of "+e.Field)
	case *url.Error:
		return strings.ReplaceAll(text, e.URL, withoutQuery(e.URL))
	}
	return text
}

// drop removes what an outer error may have copied out of the inner one; short words would hit something else.
func drop(text string, parts ...string) string {
	const short = 8
	for _, part := range parts {
		if len(part) >= short {
			text = strings.ReplaceAll(text, part, hidden)
		}
	}
	return text
}

// describe names an error of PostgreSQL by its code and place, and by its message if that is safe.
func describe(e *pgconn.PgError) string {
	text := "SQLSTATE " + e.Code
	for _, place := range []struct{ what, name string }{
		{"constraint", e.ConstraintName}, {"table", e.TableName}, {"column", e.ColumnName}, {"routine", e.Routine},
	} {
		if place.name != "" {
			text += ", " + place.what + " " + place.name
		}
	}
	if speaksOfServer(e.Code) {
		text += ": " + e.Message
	}
	return text
}

// speaksOfServer knows the classes whose messages are about the server or our SQL. Those about data (22, 23), raised
// ones (P0) and all others may quote a value.
func speaksOfServer(code string) bool {
	switch code[:min(len(code), 2)] {
	case "08", "25", "40", "42", "53", "54", "55", "57", "58":
		return true
	}
	return false
}

func withoutQuery(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return hidden
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
