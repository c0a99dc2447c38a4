package entitlement

import (
	"strconv"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// The limits of an enrolment's history. Whoever reaches them needs a new decision.
const (
	maxChanges     = 100
	maxSuspensions = 100
)

// Validate reports what cannot be true of a person.
func (p Person) Validate(f *problem.Faults) {
	if p.BirthDate.IsZero() {
		f.At("/birth_date", problem.Fault{
			Code: "birth_date_required", Message: "the birth date is needed, or the year", MessageVI: "thiếu ngày sinh hoặc năm sinh",
		})
	}
	if !p.DiedOn.IsZero() && p.DiedOn.Before(p.BirthDate.Earliest()) {
		f.At("/died_on", problem.Fault{
			Code: "death_before_birth", Message: "the death lies before the birth", MessageVI: "ngày qua đời trước ngày sinh",
		})
	}
	if checkProvince(p.Province) != nil {
		f.At("/province", problem.Fault{
			Code: "province_format", Message: "a province is written as its code of two digits", MessageVI: "tỉnh được ghi bằng mã hai chữ số",
		})
	}
}

// CheckEnrolment reports everything about an enrolment that [Rules.Entitled] would have to reject or to ignore. The
// pointer says where the enrolment stands in the body; "" is the body itself.
func (r Rules) CheckEnrolment(e Enrolment, pointer string) problem.Faults {
	check := enrolmentCheck{rules: &r, enrolment: e, pointer: pointer}
	check.decision()
	check.times()
	check.facts("/facts", e.Facts)
	check.changes()
	check.suspensions()
	return check.faults
}

type enrolmentCheck struct {
	rules     *Rules
	enrolment Enrolment
	pointer   string
	faults    problem.Faults
}

func (c *enrolmentCheck) fault(pointer, code, message, messageVI string) {
	c.faults.At(c.pointer+pointer, problem.Fault{Code: code, Message: message, MessageVI: messageVI})
}

func (c *enrolmentCheck) decision() {
	e := c.enrolment
	if e.ID == "" {
		c.fault("/id", "id_required", "the enrolment needs an id", "thiếu mã của hồ sơ hưởng")
	}
	known := c.rules.data.programme(e.Programme).ID != ""
	if !known {
		c.fault("/programme", "programme_unknown", "there is no such programme", "không có chương trình này")
	}
	if category, found := c.rules.categories[e.Category]; !found || known && category.programme.ID != e.Programme {
		c.fault("/category", "category_unknown", "the programme has no such category", "chương trình không có nhóm đối tượng này")
	}
	if e.SignedOn.IsZero() {
		c.fault("/signed_on", "signed_on_required", "the day of the signature is needed", "thiếu ngày ký quyết định")
	}
}

func (c *enrolmentCheck) times() {
	e := c.enrolment
	if !e.StartsFrom.IsZero() && e.StartsFrom.Before(month.Of(e.SignedOn)) {
		c.fault("/starts_from", "starts_before_signature",
			"no right begins before the month of the signature", "không được hưởng trước tháng ký quyết định")
	}
	if !e.StoppedFrom.IsZero() && e.StoppedFrom.Before(e.start()) {
		c.fault("/stopped_from", "stopped_before_start", "the right is stopped before it begins", "dừng hưởng trước khi bắt đầu hưởng")
	}
}

// facts asks for children where they count, and for none where they don't.
func (c *enrolmentCheck) facts(pointer string, facts Facts) {
	category, known := c.rules.categories[c.enrolment.Category]
	perChild := category.perChild
	switch {
	case !known: // and said
	case perChild && (facts.Children < 1 || facts.Children > maxChildren):
		c.fault(pointer+"/children", "children_outside", "this category counts 1 to 30 children", "nhóm này tính từ 1 đến 30 con")
	case !perChild && facts.Children != 0:
		c.fault(pointer+"/children", "children_unexpected", "this category does not count children", "nhóm này không tính số con")
	}
}

func (c *enrolmentCheck) changes() {
	if len(c.enrolment.Changes) > maxChanges {
		c.fault("/changes", "changes_too_many", "more than 100 changes need a new decision", "quá 100 lần thay đổi, cần quyết định mới")
		return
	}
	before := c.enrolment.start()
	for i, change := range c.enrolment.Changes {
		pointer := "/changes/" + strconv.Itoa(i)
		if change.From.IsZero() || !change.From.After(before) {
			c.fault(pointer+"/from", "change_out_of_order",
				"a change holds from a month after the start and after the change before it", "thay đổi có hiệu lực từ tháng sau lần trước đó")
		}
		if change.From.After(before) {
			before = change.From
		}
		c.facts(pointer+"/facts", change.Facts)
	}
}

func (c *enrolmentCheck) suspensions() {
	if len(c.enrolment.Suspensions) > maxSuspensions {
		c.fault("/suspensions", "suspensions_too_many",
			"more than 100 suspensions need a new decision", "quá 100 lần tạm dừng, cần quyết định mới")
		return
	}
	free, open := c.enrolment.start(), false // the first month in which a suspension may begin
	for i, s := range c.enrolment.Suspensions {
		pointer := "/suspensions/" + strconv.Itoa(i)
		if s.From.IsZero() || s.From.Before(free) || open {
			c.fault(pointer+"/from", "suspension_out_of_order",
				"a suspension begins after the start and after the end of the one before it", "tạm dừng phải sau khi bắt đầu và sau lần tạm dừng trước")
		}
		c.resumption(pointer, s)
		free, open = s.ResumedFrom, s.ResumedFrom.IsZero()
	}
}

func (c *enrolmentCheck) resumption(pointer string, s Suspension) {
	switch {
	case s.From.IsZero() || s.ResumedFrom.IsZero():
	case !s.ResumedFrom.After(s.From):
		c.fault(pointer+"/resumed_from", "resumed_before_suspension",
			"the right is resumed in a month after the first suspended one", "hưởng lại phải sau tháng bắt đầu tạm dừng")
	case s.ResumedFrom.After(c.rules.lapseOf(s, s.ResumedFrom.First())):
		c.fault(pointer+"/resumed_from", "suspension_too_long",
			"the suspension lasted too long and ended the right; a new decision is needed",
			"tạm dừng quá thời hạn nên đã thôi hưởng; cần quyết định mới")
	}
}
