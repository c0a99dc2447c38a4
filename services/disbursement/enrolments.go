package disbursement

import (
	"context"
	"time"

	facts "github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/person"
	"github.com/songan-vn/songan/services/disbursement/internal/clients"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// EnrolBody is a decision that grants a programme, as an officer enters it.
type EnrolBody struct {
	Beneficiary string        `json:"beneficiary" pattern:"^[a-z0-9]{1,64}$"`
	Programme   string        `json:"programme" pattern:"^[a-z0-9_]{1,40}$"`
	Category    string        `json:"category" pattern:"^[a-z0-9_]{1,40}$"`
	Decision    DecisionBody  `json:"decision"`
	Facts       CategoryFacts `json:"facts,omitzero"`
	// PaidUntil is for rights that another system has paid: its months are not paid again.
	PaidUntil string `json:"paid_until,omitzero" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" doc:"last month that was paid before, elsewhere; it and the months before it are not paid again"`
}

// DecisionBody is the paper behind an enrolment.
type DecisionBody struct {
	Number   string `json:"number" minLength:"1" maxLength:"60" pattern:"^[0-9A-Za-zĐđ./-]+$" patternDescription:"letters, digits, dots, slashes and hyphens"`
	SignedOn string `json:"signed_on" format:"date"`
	// StartsFrom is for a decision that changes an earlier one.
	StartsFrom string `json:"starts_from,omitzero" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" doc:"first month of the right, where it is not the month of the signature"`
}

// CategoryFacts are what the amount of a category depends on.
type CategoryFacts struct {
	Children int `json:"children,omitzero" minimum:"0" maximum:"100" doc:"of a single parent"`
}

// Enrolment is a right as the service answers with it. Its category is not shown: it may tell of an illness.
type Enrolment struct {
	ID          string       `json:"id"`
	Beneficiary string       `json:"beneficiary"`
	Unit        string       `json:"unit"`
	Programme   string       `json:"programme"`
	Decision    string       `json:"decision"`
	SignedOn    string       `json:"signed_on"`
	FromMonth   string       `json:"from_month" doc:"first month of the right"`
	PaidUntil   string       `json:"paid_until,omitzero" doc:"last month that was paid before, elsewhere"`
	StoppedFrom string       `json:"stopped_from,omitzero" doc:"first month without right"`
	Suspensions []Suspension `json:"suspensions,omitempty"`
	Status      string       `json:"status" enum:"enrolled,suspended,stopped"`
}

// Suspension is a time without payment.
type Suspension struct {
	FromMonth   string `json:"from_month"`
	ResumedFrom string `json:"resumed_from,omitzero"`
}

// enrol serves a single enrolment and, called once per item, a batch.
func (a *app) enrol(ctx context.Context, c httpapi.Call[EnrolBody]) (httpapi.Done[Enrolment], error) {
	known, found, err := a.known(ctx, c.In.Beneficiary)
	if err != nil {
		return httpapi.Done[Enrolment]{}, err
	}
	var faults problem.Faults
	profile := a.enrollable(&faults, c, known, found)
	row, err := a.vault.Seal(enrolment.Purpose, profile, vault.Index{}, time.Time{})
	if err != nil {
		return httpapi.Done[Enrolment]{}, err
	}
	id := a.vault.Name("enrolment", c.In.Beneficiary, c.In.Programme, c.In.Category, c.In.Decision.Number)
	cmd := enrolment.Enrol{Known: faults, Grant: facts.Enrolled{
		Enrolment: id, Beneficiary: c.In.Beneficiary, Mark: known.Mark, Unit: known.Unit, Programme: c.In.Programme,
		Decision: c.In.Decision.Number, SignedOn: c.In.Decision.SignedOn, StartsFrom: c.In.Decision.StartsFrom,
		PaidUntil: c.In.PaidUntil, Profile: string(row.Ref), By: c.Who.ID,
	}}
	return doneEnrolment(eventstore.Execute(ctx, a.log, enrolment.Stream(id), cmd, c.Meta,
		eventstore.Fresh(), eventstore.OncePerKey(), eventstore.WithSecrets(row)))
}

func (a *app) checkEnrol(ctx context.Context, c httpapi.Call[EnrolBody]) (err error) {
	var known clients.Profile
	var found bool
	if c.In.Beneficiary != "" {
		known, found, err = a.known(ctx, c.In.Beneficiary)
	}
	if err != nil {
		return err
	}
	var faults problem.Faults
	a.enrollable(&faults, c, known, found)
	return faults.Err()
}

// known asks accounts about a beneficiary. No list pays somebody of whom another of their files says that they died: their day of
// death is that one's.
func (a *app) known(ctx context.Context, id string) (known clients.Profile, found bool, err error) {
	known, found, err = a.people.Profile(ctx, id)
	if err != nil || !found || known.DiedOn != "" {
		return known, found, err
	}
	files, err := projections.BeneficiariesOf(ctx, a.pool, []string{known.Mark})
	for _, file := range files {
		if file.Beneficiary != id && file.DiedOn != "" {
			known.DiedOn = file.DiedOn
		}
	}
	return known, found, err
}

// enrollable finds everything that is wrong with the body, and returns what the rules ask for.
func (a *app) enrollable(
	f *problem.Faults, c httpapi.Call[EnrolBody], known clients.Profile, found bool,
) (profile enrolment.Profile) {
	today := vn.DateOf(c.Meta.At)
	signed, _ := vn.ParseDate(c.In.Decision.SignedOn) // its form was checked with the body
	profile.Category, profile.Facts = c.In.Category, entitlement.Facts(c.In.Facts)
	a.checkPerson(f, c, known, found)
	starts := checkDecision(f, c.In.Decision, today)
	begins := enrolment.Start(facts.Enrolled{SignedOn: c.In.Decision.SignedOn, StartsFrom: c.In.Decision.StartsFrom})
	checkPaidUntil(f, c.In.PaidUntil, begins, today)
	if found {
		birth, err := vn.ParsePartialDate(known.BirthDate)
		if err != nil {
			f.At("/beneficiary", problem.Fault{
				Code: "birth_date_missing", Message: "the beneficiary has no readable birth date", MessageVI: "người hưởng chưa có ngày sinh hợp lệ",
			})
		}
		profile.BirthDate = birth
	}
	right := entitlement.Enrolment{
		ID: "new", Programme: c.In.Programme, Category: c.In.Category, SignedOn: signed, StartsFrom: starts, Facts: profile.Facts,
	}
	for _, fault := range a.rules.CheckEnrolment(right, "") {
		fault.Pointer = pointerOf(fault.Pointer)
		f.At(fault.Pointer, fault)
	}
	return profile
}

// pointerOf says where in the body something stands that the rules found wrong.
func pointerOf(pointer string) string {
	if pointer == "/signed_on" || pointer == "/starts_from" {
		return "/decision" + pointer
	}
	return pointer
}

func (a *app) checkPerson(f *problem.Faults, c httpapi.Call[EnrolBody], known clients.Profile, found bool) {
	switch {
	case !found || !c.Pass.May(thing(known.Unit)):
		f.At("/beneficiary", problem.Fault{
			Code: "beneficiary_unknown", Message: "no beneficiary of your unit has this id", MessageVI: "đơn vị không có người hưởng mang mã này",
		})
	case known.DiedOn != "":
		f.At("/beneficiary", problem.Fault{
			Code: "beneficiary_died", Message: "the beneficiary has died", MessageVI: "người hưởng đã qua đời",
			Hint: "if that is wrong, another officer revokes the death, in whichever file of the person it was recorded",
		})
	}
}

// checkDecision finds what is wrong with the paper, and returns the month it starts from; none if it does not say.
func checkDecision(f *problem.Faults, b DecisionBody, today vn.Date) (starts month.Month) {
	person.CheckNobody(f, "/decision/number", b.Number)
	signed, _ := vn.ParseDate(b.SignedOn)
	switch {
	case signed.After(today):
		f.At("/decision/signed_on", problem.Fault{
			Code: "signed_in_future", Message: "the decision is not signed yet", MessageVI: "quyết định chưa được ký",
		})
	case signed.Before(earliest()):
		f.At("/decision/signed_on", problem.Fault{
			Code: "signed_too_early", Message: "no programme is as old as that", MessageVI: "chưa có chương trình nào vào ngày này",
		})
	}
	if b.StartsFrom == "" {
		return starts
	}
	starts, err := month.Parse(b.StartsFrom)
	switch {
	case err != nil:
		f.At("/decision/starts_from", vn.FaultOf(err))
	case !signed.IsZero() && starts.After(month.Of(signed).Next()):
		f.At("/decision/starts_from", problem.Fault{
			Code: "starts_too_late", Message: "a right begins in the month of the signature or in the one after",
			MessageVI: "thời điểm hưởng là tháng ký quyết định hoặc tháng liền sau",
		})
	}
	return starts
}

// checkPaidUntil finds what is wrong with the month until which a right was paid elsewhere.
func checkPaidUntil(f *problem.Faults, text string, begins month.Month, today vn.Date) {
	if text == "" {
		return
	}
	until, err := month.Parse(text)
	switch {
	case err != nil:
		f.At("/paid_until", vn.FaultOf(err))
	case until.After(month.Of(today)):
		f.At("/paid_until", problem.Fault{
			Code: "paid_in_future", Message: "a month that is still to come was not paid yet", MessageVI: "tháng chưa đến thì chưa được chi trả",
		})
	case until.Before(begins):
		f.At("/paid_until", problem.Fault{
			Code: "paid_before_right", Message: "the right begins later than that", MessageVI: "tháng này trước tháng bắt đầu hưởng",
		})
	}
}

// earliest is the day before which no decision was signed that anybody is paid for.
func earliest() vn.Date { return vn.MustDate(1990, time.January, 1) }

// MonthBody says from which month on.
type MonthBody struct {
	FromMonth string `json:"from_month" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" example:"2026-12"`
}

// EndBody says from which month on, and why.
type EndBody struct {
	FromMonth string `json:"from_month" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" example:"2026-12"`
	Reason    string `json:"reason" minLength:"1" maxLength:"500"`
}

func (a *app) suspend(ctx context.Context, c httpapi.Call[EndBody]) (httpapi.Done[Enrolment], error) {
	return a.end(ctx, c, func(from month.Month, note string) enrolment.Command {
		return enrolment.Suspend{From: from, Note: note, By: c.Who.ID}
	})
}

func (a *app) checkSuspend(ctx context.Context, c httpapi.Call[EndBody]) error {
	return refusal(ctx, a, c, c.In.FromMonth, func(from month.Month) enrolment.Command { return enrolment.Suspend{From: from} })
}

func (a *app) stop(ctx context.Context, c httpapi.Call[EndBody]) (httpapi.Done[Enrolment], error) {
	return a.end(ctx, c, func(from month.Month, note string) enrolment.Command {
		return enrolment.Stop{From: from, Note: note, By: c.Who.ID}
	})
}

func (a *app) checkStop(ctx context.Context, c httpapi.Call[EndBody]) error {
	return refusal(ctx, a, c, c.In.FromMonth, func(from month.Month) enrolment.Command { return enrolment.Stop{From: from} })
}

// end is a suspension or a stop: a month with a reason.
func (a *app) end(
	ctx context.Context, c httpapi.Call[EndBody], command func(month.Month, string) enrolment.Command,
) (httpapi.Done[Enrolment], error) {
	from, err := fromMonth(c.In.FromMonth)
	if err != nil {
		return httpapi.Done[Enrolment]{}, err
	}
	note, err := a.vault.SealNote(c.In.Reason, time.Time{})
	if err != nil {
		return httpapi.Done[Enrolment]{}, err
	}
	return changeEnrolment(ctx, a, c, command(from, string(note.Ref)), note)
}

func (a *app) resume(ctx context.Context, c httpapi.Call[MonthBody]) (httpapi.Done[Enrolment], error) {
	from, err := fromMonth(c.In.FromMonth)
	if err != nil {
		return httpapi.Done[Enrolment]{}, err
	}
	return changeEnrolment(ctx, a, c, enrolment.Resume{From: from, Limit: a.suspensionLimit(from), By: c.Who.ID})
}

func (a *app) checkResume(ctx context.Context, c httpapi.Call[MonthBody]) error {
	return refusal(ctx, a, c, c.In.FromMonth, func(from month.Month) enrolment.Command {
		return enrolment.Resume{From: from, Limit: a.suspensionLimit(from)}
	})
}

// suspensionLimit is how many months the law lets a suspension last.
func (a *app) suspensionLimit(in month.Month) int {
	for _, limit := range a.rules.Data().Suspensions {
		if !in.Before(limit.From) && (limit.To.IsZero() || !in.After(limit.To)) {
			return limit.Months
		}
	}
	return 0
}

// fromMonth refuses a month that no calendar has, such as that of the year 0.
func fromMonth(text string) (month.Month, error) {
	m, err := month.Parse(text)
	if err == nil {
		return m, nil
	}
	var faults problem.Faults
	faults.At("/from_month", vn.FaultOf(err))
	return m, faults.Err()
}

// enrolmentOf loads the enrolment that a call is about, if it is of the officer's unit.
func enrolmentOf[I any](ctx context.Context, a *app, c httpapi.Call[I]) (enrolment.Enrolment, error) {
	e, err := eventstore.State[enrolment.Enrolment](ctx, a.log, enrolment.Stream(c.Path("id")))
	if err == nil && (!e.Exists() || !c.Pass.May(thing(e.Unit))) {
		err = enrolment.ErrUnknown()
	}
	return e, err
}

// refusal is what a change from a month on would be refused for.
func refusal[I any](ctx context.Context, a *app, c httpapi.Call[I], text string, command func(from month.Month) enrolment.Command) error {
	from, err := fromMonth(text)
	if err != nil {
		return err
	}
	e, err := enrolmentOf(ctx, a, c)
	if err != nil {
		return err
	}
	_, err = command(from).Decide(e, c.Meta)
	return err
}

// changeEnrolment runs a command on an enrolment of the officer's unit. Any other one answers as if it did not exist.
func changeEnrolment[I any](
	ctx context.Context, a *app, c httpapi.Call[I], cmd enrolment.Command, secrets ...vault.Row,
) (httpapi.Done[Enrolment], error) {
	if _, err := enrolmentOf(ctx, a, c); err != nil {
		return httpapi.Done[Enrolment]{}, err
	}
	var out eventstore.Outcome[enrolment.Enrolment]
	err := a.stops.Stop(ctx, func(ctx context.Context) (err error) {
		out, err = eventstore.Execute(ctx, a.log, enrolment.Stream(c.Path("id")), cmd, c.Meta, eventstore.OncePerKey(), eventstore.WithSecrets(secrets...))
		return err
	})
	return doneEnrolment(out, err)
}

func doneEnrolment(out eventstore.Outcome[enrolment.Enrolment], err error) (httpapi.Done[Enrolment], error) {
	if err != nil {
		return httpapi.Done[Enrolment]{}, err
	}
	e := out.State
	return httpapi.Done[Enrolment]{
		Answer: viewEnrolment(projections.Enrolment{
			Enrolment: e.Enrolment(), Beneficiary: e.Beneficiary, UnitCode: e.Unit.Code, Programme: e.Programme, Decision: e.Decision,
			SignedOn: e.SignedOn, StartsFrom: e.Start().String(), PaidUntil: e.PaidUntil, StoppedFrom: e.StoppedFrom.String(), Suspensions: e.Suspensions,
		}),
		Position: out.Position, Replayed: out.Replayed,
	}, nil
}

func viewEnrolment(row projections.Enrolment) Enrolment {
	v := Enrolment{
		ID: row.Enrolment, Beneficiary: row.Beneficiary, Unit: row.UnitCode, Programme: row.Programme, Decision: row.Decision,
		SignedOn: row.SignedOn, FromMonth: row.StartsFrom, PaidUntil: row.PaidUntil, StoppedFrom: row.StoppedFrom, Status: "enrolled",
	}
	for _, s := range row.Suspensions {
		v.Suspensions = append(v.Suspensions, Suspension{FromMonth: s.From.String(), ResumedFrom: s.ResumedFrom.String()})
		if v.Status = "enrolled"; s.ResumedFrom.IsZero() {
			v.Status = "suspended"
		}
	}
	if row.StoppedFrom != "" {
		v.Status = "stopped"
	}
	return v
}

// ListEnrolments narrows a list of enrolments.
type ListEnrolments struct {
	httpapi.Paging[string]

	Beneficiary string `query:"beneficiary" maxLength:"64"`
	Programme   string `query:"programme" maxLength:"40"`
}

func (a *app) listEnrolments(ctx context.Context, c httpapi.Call[ListEnrolments]) (httpapi.Page[Enrolment], error) {
	filter := projections.EnrolmentFilter{
		Scope: scope(c.Pass, ""), Beneficiary: c.In.Beneficiary, Programme: c.In.Programme, Limit: c.In.More(),
	}
	if c.In.Cursor.At != nil {
		filter.After = *c.In.Cursor.At
	}
	rows, err := projections.ListEnrolments(ctx, a.pool, filter)
	if err != nil {
		return httpapi.Page[Enrolment]{}, err
	}
	return httpapi.PageOf(c.In.Paging, rows, viewEnrolment, func(e projections.Enrolment) string { return e.Enrolment }), nil
}
