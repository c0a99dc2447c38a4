// Package fault holds the texts of everything that can be wrong with the form of a document, in both languages.
//
// Numbers in them are limits and places, names are ours: nothing that was sent.
package fault

import (
	"fmt"

	"github.com/songan-vn/songan/libs/problem"
)

// The limits that the texts speak of.
const (
	MaxDepth  = 32  // levels of objects and lists
	MaxFaults = 100 // faults that are listed; the rest would not be read anyway
	MaxRef    = 64  // characters of a reference
	// FirstYear and LastYear bound dates. A guest of 1800 and a visa until 2999 are mistakes of typing, and some databases
	// and calendars downstream break on less.
	FirstYear = 1800
	LastYear  = 2999
)

// BodyMissing says that there is no body.
func BodyMissing() problem.Fault {
	return problem.Fault{
		Code: "body_missing", Message: "a JSON body is expected",
		MessageVI: "cần có nội dung JSON",
	}
}

// WrongEncoding says that the body is not plain UTF-8.
func WrongEncoding() problem.Fault {
	return problem.Fault{
		Code: "not_utf8", Message: "the body is not plain UTF-8",
		MessageVI: "nội dung không phải UTF-8", Hint: "send UTF-8 without a byte order mark",
	}
}

// Malformed says where the JSON breaks off.
func Malformed(line, column int) problem.Fault {
	return problem.Fault{
		Code:      "malformed_json",
		Message:   fmt.Sprintf("this is not JSON from line %d, column %d on", line, column),
		MessageVI: fmt.Sprintf("không đúng cú pháp JSON từ dòng %d, cột %d", line, column),
	}
}

// TrailingData says that the document does not end where it should.
func TrailingData() problem.Fault {
	return problem.Fault{
		Code: "trailing_data", Message: "something follows after the end of the JSON value",
		MessageVI: "còn dữ liệu thừa sau khi giá trị JSON kết thúc",
	}
}

// TooMany says that the list of faults is cut.
func TooMany() problem.Fault {
	return problem.Fault{
		Code:      "too_many_faults",
		Message:   fmt.Sprintf("there are more faults; the first %d are listed", MaxFaults),
		MessageVI: fmt.Sprintf("còn lỗi khác; chỉ liệt kê %d lỗi đầu tiên", MaxFaults),
	}
}

// TooDeep says that a value is nested too deeply.
func TooDeep() problem.Fault {
	return problem.Fault{
		Code:      "too_deep",
		Message:   fmt.Sprintf("nested deeper than %d levels", MaxDepth),
		MessageVI: fmt.Sprintf("lồng nhau quá %d cấp", MaxDepth),
	}
}

// Required says that a member is missing, or null.
func Required() problem.Fault {
	return problem.Fault{
		Code: "required", Message: "this is required", MessageVI: "bắt buộc phải có",
	}
}

// Blank says that a required text has no letters.
func Blank() problem.Fault {
	return problem.Fault{
		Code: "blank", Message: "this is required and must not be blank",
		MessageVI: "bắt buộc phải có và không được để trống",
	}
}

// UnknownMember says that there is no such member, and which one was perhaps meant.
func UnknownMember(nearest string, shown bool) problem.Fault {
	f := problem.Fault{
		Code: "unknown_field", Message: "there is no such field", MessageVI: "không có trường này",
	}
	if !shown {
		f.Message += " in this object; what was sent is not repeated here"
		f.MessageVI = "đối tượng này có trường không được định nghĩa; tên đã gửi không được nhắc lại"
	}
	if nearest != "" {
		f.Hint = "did you mean " + nearest + "?"
	}
	return f
}

// Duplicate says that a member stands there twice.
func Duplicate() problem.Fault {
	return problem.Fault{
		Code: "duplicate_key", Message: "this stands here more than once", MessageVI: "trường này bị lặp lại",
	}
}

func wrongType(en, vi string) problem.Fault {
	return problem.Fault{Code: "wrong_type", Message: "this must be " + en, MessageVI: "phải là " + vi}
}

// NoText says that a text should stand here.
func NoText() problem.Fault { return wrongType("a text", "chuỗi ký tự") }

// NoObject says that an object should stand here.
func NoObject() problem.Fault { return wrongType("an object", "đối tượng") }

// NoList says that a list should stand here.
func NoList() problem.Fault { return wrongType("a list", "danh sách") }

// NoNumber says that a whole number should stand here.
func NoNumber() problem.Fault { return wrongType("a whole number", "số nguyên") }

// NoBool says that true or false should stand here.
func NoBool() problem.Fault { return wrongType("true or false", "true hoặc false") }

// InvalidUTF8 says that a text is in another encoding.
func InvalidUTF8() problem.Fault {
	return problem.Fault{
		Code: "invalid_utf8", Message: "this text is not valid Unicode in UTF-8",
		MessageVI: "chuỗi này không phải Unicode UTF-8 hợp lệ", Hint: "check the encoding of the sending system",
	}
}

// NUL says that a text cannot be stored for its NUL character.
func NUL() problem.Fault {
	return problem.Fault{
		Code: "nul_character", Message: "this text contains a NUL character",
		MessageVI: "chuỗi này chứa ký tự NUL",
	}
}

// NotListed says that a value is none of an enumeration.
func NotListed(allowed string) problem.Fault {
	return problem.Fault{
		Code: "not_allowed", Message: "this is none of the allowed values",
		MessageVI: "không thuộc các giá trị cho phép", Hint: "one of: " + allowed,
	}
}

// InvalidDate says that a date is written differently.
func InvalidDate(hint string) problem.Fault {
	return problem.Fault{
		Code: "invalid_date", Message: "this is not written as a date",
		MessageVI: "không đúng định dạng ngày", Hint: hint,
	}
}

// ImpossibleDate says that a date is not in the calendar.
func ImpossibleDate() problem.Fault {
	return problem.Fault{
		Code: "impossible_date", Message: "there is no such day in the calendar",
		MessageVI: "ngày này không tồn tại trong lịch",
	}
}

// DateRange says that a year is a mistake of typing.
func DateRange() problem.Fault {
	return problem.Fault{
		Code:      "date_out_of_range",
		Message:   fmt.Sprintf("the year must be from %d to %d", FirstYear, LastYear),
		MessageVI: fmt.Sprintf("năm phải từ %d đến %d", FirstYear, LastYear),
	}
}

// InvalidTime says that a time is written differently.
func InvalidTime() problem.Fault {
	return problem.Fault{
		Code: "invalid_date_time", Message: "this is not a time of RFC 3339 with an offset",
		MessageVI: "không phải thời điểm theo RFC 3339 có múi giờ", Hint: "such as 2026-11-21T14:05:00+07:00",
	}
}

// OutOfRange says that a number is too small or too large.
func OutOfRange(hint string) problem.Fault {
	return problem.Fault{
		Code: "out_of_range", Message: "this number is outside of what is allowed",
		MessageVI: "số nằm ngoài phạm vi cho phép", Hint: hint,
	}
}

// TooShort says that a text is too short.
func TooShort(least int) problem.Fault {
	return problem.Fault{
		Code:      "too_short",
		Message:   fmt.Sprintf("at least %d characters are needed", least),
		MessageVI: fmt.Sprintf("cần ít nhất %d ký tự", least),
	}
}

// TooLong says that a text is too long.
func TooLong(most int) problem.Fault {
	return problem.Fault{
		Code:      "too_long",
		Message:   fmt.Sprintf("at most %d characters are allowed", most),
		MessageVI: fmt.Sprintf("tối đa %d ký tự", most),
	}
}

// WrongPattern says that a text does not have the form it should.
func WrongPattern(hint string) problem.Fault {
	return problem.Fault{
		Code: "wrong_format", Message: "this is not written as it should be",
		MessageVI: "không đúng định dạng", Hint: hint,
	}
}

// WrongCount says that a list has too few or too many elements.
func WrongCount(least, most int) problem.Fault {
	return problem.Fault{
		Code:      "wrong_count",
		Message:   fmt.Sprintf("from %d to %d elements are allowed", least, most),
		MessageVI: fmt.Sprintf("chỉ cho phép từ %d đến %d phần tử", least, most),
	}
}

// InvalidValue says that a type of ours does not accept a value.
func InvalidValue() problem.Fault {
	return problem.Fault{
		Code: "invalid_value", Message: "this value is not valid", MessageVI: "giá trị không hợp lệ",
	}
}

// InvalidRef says that a reference in a batch is none.
func InvalidRef() problem.Fault {
	return problem.Fault{
		Code:      "invalid_reference",
		Message:   fmt.Sprintf("a reference has 1 to %d visible ASCII characters", MaxRef),
		MessageVI: fmt.Sprintf("mã tham chiếu gồm 1 đến %d ký tự ASCII nhìn thấy được", MaxRef),
	}
}

// MalformedQuery says that a query string is not one.
func MalformedQuery() problem.Fault {
	return problem.Fault{
		Code: "malformed_query", Message: "the query string is not encoded as a URL demands",
		MessageVI: "chuỗi truy vấn không được mã hoá đúng quy tắc URL",
	}
}
