// Package telemetry makes what a service says about itself: log, metrics, traces. And it sees to it that none of
// them says anything about a person.
//
//  1. Who logs a person has made a mistake; this package makes the mistake harmless. It is the last safety net,
//     not a licence: packages log references, codes and counts.
//  2. A field whose key speaks of a person or a secret ("name", "guest_name", "phone", "token", ...) is written as
//     "***", whatever its value. [Denied] is the list.
//  3. A value whose type is not known to be harmless is refused: it is written as "refused: <type>". So a struct
//     that gets a name next year cannot start to leak it.
//  4. In every text, 12-digit citizen numbers, phone numbers, bearer tokens, API keys and passwords are replaced; see
//     [Scrub].
//  5. Errors are written by [ErrText]: without the values that PostgreSQL, pgx, strconv, time and net/url put into them.
//  6. Watermill logs through [Watermill], which keeps a short list of fields and drops payloads and metadata.
//  7. Traces leave the process only if OTEL_EXPORTER_OTLP_ENDPOINT says where to, and pass the same rules on the way.
//
// Personal names in running text cannot be recognised; keeping them out is what rule 1 is for.
package telemetry
