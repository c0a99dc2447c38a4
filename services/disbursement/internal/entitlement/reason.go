package entitlement

// Reason is the code of why something does not count. Codes are stored in facts: they are never reworded.
type Reason string

// The reasons, roughly in the order in which they are looked for.
const (
	UnknownCategory  Reason = "unknown_category"
	NotBorn          Reason = "not_born"
	Died             Reason = "died"
	BeforeDecision   Reason = "before_decision"
	Stopped          Reason = "stopped"
	SuspensionLapsed Reason = "suspension_lapsed"
	Suspended        Reason = "suspended"
	NoRule           Reason = "no_rule"
	BirthUnknown     Reason = "birth_unknown"
	AgeOutside       Reason = "age_outside"
	NoStandard       Reason = "no_standard"
	NoChildren       Reason = "no_children"
	NotHighest       Reason = "not_highest"
)

// Reasons returns all of them, for documents and for tables of texts.
func Reasons() []Reason {
	return []Reason{
		UnknownCategory, NotBorn, Died, BeforeDecision, Stopped, SuspensionLapsed, Suspended,
		NoRule, BirthUnknown, AgeOutside, NoStandard, NoChildren, NotHighest,
	}
}

// Texts returns what a reason says to people, in English and in Vietnamese. Neither names the category, which may
// tell of an illness. A code that is not known has no texts.
func (r Reason) Texts() (english, vietnamese string) {
	switch r {
	case UnknownCategory:
		return "the programme has no such category", "chương trình không có nhóm đối tượng này"
	case NotBorn:
		return "the month lies before the birth", "tháng này trước khi người hưởng được sinh ra"
	case Died:
		return "the last month is the month of death", "tháng qua đời là tháng hưởng cuối cùng"
	case BeforeDecision:
		return "the right begins in the month in which the decision is signed", "được hưởng kể từ tháng ký quyết định"
	case Stopped:
		return "the right was stopped before this month", "đã dừng hưởng trước tháng này"
	case SuspensionLapsed:
		return "the suspension lasted too long and ended the right", "tạm dừng quá thời hạn nên đã thôi hưởng"
	case Suspended:
		return "the right is suspended in this month", "đang tạm dừng hưởng trong tháng này"
	default:
		return r.textsOfRules()
	}
}

// textsOfRules are the texts of reasons that lie in the rules and not in the decision.
func (r Reason) textsOfRules() (english, vietnamese string) {
	switch r {
	case NoRule:
		return "no rule for this category is in force in this month", "chưa có quy định về nhóm này trong tháng"
	case BirthUnknown:
		return "the amount depends on the age, and the birth date is missing", "mức hưởng phụ thuộc tuổi nhưng thiếu ngày sinh"
	case AgeOutside:
		return "the age lies outside of the rule in this month", "tuổi trong tháng không thuộc quy định này"
	case NoStandard:
		return "no standard amount is in force in this month", "chưa có mức chuẩn trong tháng này"
	case NoChildren:
		return "the number of children is missing or impossible", "thiếu số con hoặc số con không hợp lệ"
	case NotHighest:
		return "only the highest amount counts, and another one is higher or equal", "chỉ hưởng mức cao nhất, có mức khác cao hơn hoặc bằng"
	default:
		return "", ""
	}
}
