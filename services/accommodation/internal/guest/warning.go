package guest

import "github.com/songan-vn/songan/libs/vn"

// The warnings about a person.
const (
	WarnChildAlone      = "child_without_adult"
	WarnUnidentified    = "unidentified_guest"
	WarnPassportExpired = "passport_expired"
	WarnVisaExpired     = "visa_expired"
	WarnVisaMissing     = "visa_missing"
	WarnEntryMissing    = "entry_missing"
)

// Warnings lists what is unusual about the person but accepted, as codes: on the day of arrival, whenever it is said, and with the
// notice of whom they came with, if they came with anybody.
func (g Guest) Warnings(arrived vn.Date, companion string) []string {
	var codes []string
	add := func(unusual bool, code string) {
		if unusual {
			codes = append(codes, code)
		}
	}
	if g.Document.Type == CitizenID || g.Document.Type == BirthCertificate {
		if id, err := vn.ParseCitizenID(g.Document.Number); err == nil {
			codes = append(codes, id.Warnings()...)
		}
	}
	add(g.Document.Type == OldID, vn.WarningOldID)
	add(g.Document.Type == NoDocument, WarnUnidentified)
	if g.Foreigner() {
		add(expired(g.Document.Expires, arrived), WarnPassportExpired)
		add(g.Visa == nil, WarnVisaMissing)
		add(g.Visa != nil && expired(g.Visa.Expires, arrived), WarnVisaExpired)
		add(g.Entry == nil, WarnEntryMissing)
	}
	add(companion == "" && g.Minor(arrived), WarnChildAlone)
	return codes
}

func expired(day string, arrived vn.Date) bool {
	d, err := vn.ParseDate(day)
	return err == nil && d.Before(arrived)
}

// WarningText says a warning in English and Vietnamese.
func WarningText(code string) (en, vi string) {
	switch code {
	case vn.WarningUnknownPrefix:
		return "no province gives out numbers with these first three digits", "không tỉnh nào cấp số có ba chữ số đầu này"
	case vn.WarningOldID:
		return "nine-digit cards are no longer valid; ask for the citizen card", "CMND 9 số không còn giá trị; hãy đề nghị xuất trình thẻ căn cước"
	case WarnChildAlone:
		return "a guest under 18 without an accompanying adult", "khách dưới 18 tuổi không có người lớn đi cùng"
	case WarnUnidentified:
		return "complete the person as soon as a document is there", "hãy bổ sung thông tin ngay khi có giấy tờ"
	case WarnPassportExpired:
		return "the passport has expired", "hộ chiếu đã hết hạn"
	case WarnVisaExpired:
		return "the visa has expired", "thị thực đã hết hạn"
	case WarnVisaMissing:
		return "no visa was entered; guests who are exempt need none", "chưa nhập thị thực; khách được miễn thị thực không cần"
	case WarnEntryMissing:
		return "date and gate of entry were not entered", "chưa nhập ngày và cửa khẩu nhập cảnh"
	case "temporary_residence_required":
		return "30 days or more need a temporary-residence registration", "lưu trú từ 30 ngày phải đăng ký tạm trú"
	default:
		return "see the documentation of warnings", "xem tài liệu về cảnh báo"
	}
}
