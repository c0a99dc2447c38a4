package songan_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/testkit"
)

// blunder sends people to where they do not belong, as front desks and programs do.
func (a *aviary) blunder() {
	a.t.Helper()
	for n, p := range a.people[:30] {
		name, number := url.QueryEscape(p.FullName), p.Document.Number
		for _, path := range []string{
			"/accommodation/v1/notices/" + number, "/accommodation/v1/notices/" + strings.ReplaceAll(name, "+", "%20"),
			"/accommodation/v1/notices/" + number + "/history", "/accommodation/v1/notices?facility=" + number,
			"/accommodation/v1/notices?unit=" + name, "/accommodation/v1/notices?status=" + name, "/accommodation/v1/notices?" + name + "=1",
			"/accommodation/v1/notices?cursor=" + base64.RawURLEncoding.EncodeToString([]byte(p.FullName)),
			"/accommodation/" + number, "/" + name, "/accommodation/v1/statistics?by=" + name,
			"/accounts/v1/beneficiaries/" + number, "/accounts/v1/accounts/" + number, "/accounts/v1/accounts?beneficiary=" + number,
			"/disbursement/v1/payments/" + number + "/history", "/disbursement/v1/payments?beneficiary=" + number,
			"/disbursement/v1/entitlements/" + number + "?month=" + name, "/bankgateway/v1/instructions/" + number + "/history",
			"/identity/v1/quarantine?consumer=" + name, "/auth/v1/login?return=" + name, "/auth/v1/callback?state=" + number + "&code=" + name,
		} {
			for _, actor := range []string{"police", "lisa", "auditor"} {
				a.do(http.MethodGet, path, actor, "", nil)
			}
		}
		guest := guestOf(p)
		notice := map[string]any{"guest": guest, "arrived_at": time.Now().Format(time.RFC3339), "reason": "tourism"}
		with := func(key string, value any) map[string]any {
			spoilt := map[string]any{}
			for k, v := range notice {
				spoilt[k] = v
			}
			spoilt[key] = value
			return spoilt
		}
		for i, body := range []any{
			with("reason", p.FullName), with("room", number), with("group", number), with("arrived_at", p.FullName),
			with(p.FullName, number), with("accompanied_by", number), with("accompanied_by", p.FullName), p.FullName,
			[]string{number},
			with("guest", p.FullName), with("guest", map[string]any{"full_name": p.FullName + "\u0007", "document": map[string]any{"type": "citizen_id", "number": number[:11]}}),
			with("expected_departure", number),
		} {
			for _, path := range []string{"/accommodation/v1/notices", "/accommodation/v1/notices/batch", "/accounts/v1/beneficiaries", "/disbursement/v1/enrolments"} {
				actor := map[bool]string{true: "hotel", false: "lisa"}[strings.HasPrefix(path, "/accommodation")]
				a.do(http.MethodPost, path, actor, fmt.Sprintf("blunder-%d-%d", n, i), body, 200, 400, 422)
			}
		}
		person := map[string]any{"full_name": p.FullName, "birth_date": p.BirthDate, "sex": p.Sex, "document": p.Document, "residence": p.Residence}
		a.do(http.MethodPost, "/accounts/v1/beneficiaries", "lisa", fmt.Sprint("file-", n), map[string]any{"person": person, "unit": "00004", "file_number": number})
		a.do(http.MethodPost, "/accounts/v1/beneficiaries", "lisa", p.FullName, map[string]any{"person": person, "unit": number, "file_number": "BT-1"})
		a.do(http.MethodPost, "/accounts/v1/beneficiaries", "lisa", number, map[string]any{"person": person, "unit": "00008", "file_number": "BT-1"})
		a.do(http.MethodPost, "/accommodation/v1/notices", "hotel", number, notice, http.StatusCreated, 200)
		a.do(http.MethodPost, "/accommodation/v1/notices", "hotel", number, with("reason", "work"), http.StatusUnprocessableEntity)
		a.do(http.MethodPost, "/accommodation/v1/lookups", "police", "", map[string]any{"purpose": number, "case": number, "full_name": p.FullName})
		for _, body := range []string{`{"guest":{"full_name":"` + p.FullName + `"`, p.FullName, `{"` + p.FullName + `":1,"` + p.FullName + `":2}`, `"` + number} {
			a.send(http.MethodPost, "/accommodation/v1/notices", "application/json", body, nil)
			a.send(http.MethodPost, "/accommodation/v1/notices", p.FullName, body, nil)
			a.send(http.MethodPost, "/accommodation/v1/notices/batch", "application/x-ndjson", body+"\n{}\n", nil)
		}
		address := fmt.Sprintf("203.0.113.%d", n)
		a.send(http.MethodGet, "/accommodation/v1/notices", "application/json", "", http.Header{
			"Authorization": {"Bearer " + number}, "X-Forwarded-For": {address}, "Traceparent": {number}, "User-Agent": {p.FullName}, "Referer": {a.base + "/" + number},
		})
		a.send(http.MethodGet, "/accommodation/v1/notices", "application/json", "", http.Header{"Songan-After": {p.FullName}, "If-None-Match": {number}})
	}
}

// gossip has a bank say about people what it must not say, in every way that is wrong.
func (a *aviary) gossip() {
	a.t.Helper()
	const bic = "ICBVVNVX"
	instructions := query[string](a.t, a.machine, "disbursement", `
select data->>'end_to_end_id' from events where type = 'disbursement.payment_released.v1' and data->>'bank' = $1 limit 40`, bic)
	requests := query[string](a.t, a.machine, "bankgateway", `select data->>'account' from events where type = 'bankgateway.opening_sent.v1' limit 40`)
	numbers := a.accountNumbers(a.t)
	var records []kafka.Message
	say := func(key, kind, body string) {
		records = append(records, kafka.Message{Key: []byte(key), Value: []byte(body), Headers: []kafka.Header{
			{Key: "ce_specversion", Value: []byte("1.0")},
			{Key: "ce_type", Value: []byte(kind)},
			{Key: "ce_id", Value: []byte(key + number(records))},
			{Key: "ce_source", Value: []byte("bank/" + bic)},
			{Key: "content-type", Value: []byte("application/json")},
		}})
	}
	for n, id := range instructions {
		p, account := a.people[n], numbers[n]
		for _, field := range []string{"status", "reason", "bank_reference", "booked_at", "other", "end_to_end_id"} {
			for _, value := range []string{p.FullName, account} {
				report := map[string]any{"end_to_end_id": id, "status": "ACSC", "bank_reference": "FT1", "booked_at": time.Now()}
				report[field] = value
				body, _ := json.Marshal(report)
				say(id, "bank.payment_status_reported.v1", string(body))
			}
		}
		say(p.FullName, "bank.payment_status_reported.v1", `{"end_to_end_id":"`+account+`"`)
		say(account, p.FullName, p.FullName)
		say(p.Document.Number, "bank.account_opening_reported.v1", `["`+p.FullName+`"]`)
	}
	for n, id := range requests {
		p, account := a.people[n], numbers[n]
		for _, report := range []map[string]any{
			{"request_id": id, "status": "opened", "account_number": p.FullName, "holder_name": p.FullName},
			{"request_id": id, "status": p.FullName, "account_number": account},
			{"request_id": id, "status": "refused", "reason": p.FullName + " " + account},
			{"request_id": account, "status": "opened", "account_number": account, "holder_name": p.FullName},
			{"request_id": id, "status": "opened", "account_number": "77" + account, "holder_name": p.FullName, "biometric": true},
		} {
			body, _ := json.Marshal(report)
			say(id, "bank.account_opening_reported.v1", string(body))
		}
		body, _ := json.Marshal(map[string]any{"request_id": id, "answer": p.FullName, "status": account})
		say(id, "bank.account_verified.v1", string(body))
	}
	a.asBank(a.t, bic, records...)
	testkit.Eventually(a.t, func() error {
		if held := query[int](a.t, a.machine, "bankgateway", `select count(*) from quarantine`)[0]; held < len(instructions) {
			return fmt.Errorf("%d of the bank's %d records are in quarantine", held, len(records))
		}
		return nil
	})
	a.do(http.MethodPost, "/bankgateway/v1/banks/BIDVVNVX/pause", "admin", "pause", map[string]any{"reason": "nhầm tiền của " + a.people[1].FullName}, http.StatusOK)
}

func number(records []kafka.Message) string { return fmt.Sprint(len(records)) }
