package person_test

import (
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/vn/person"
)

func TestNobodyIsNamedInARemarkThatIsShown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                "",
		"khách đổi phòng": "khách đổi phòng",
		"quyết định 12/QĐ-UBND ngày 21.11.2026":   "quyết định 12/QĐ-UBND ngày 21.11.2026",
		"nhầm với ông Nguyễn Văn Bình, phòng 201": "nhầm với ông *** phòng 201",
		"nhầm với bà TRẦN THỊ HOA":                "nhầm với bà ***",
		"em nguyen van an bao":                    "em ***",
		"Lê Thị Mai đã nhận tiền":                 "*** đã nhận tiền",
		"lễ tân nhập sai":                         "lễ tân nhập sai",
		"le tan nhap sai":                         "***", // may be Lê: too much is hidden, never too little
		"Lưu ý: đã lưu trú ở phòng 201":           "Lưu ý: đã lưu trú ở phòng 201",
		"lưu trú cùng Lưu Trú":                    "lưu trú cùng ***",
		"lý do: vi phạm nội quy":                  "lý do: vi phạm nội quy",
		"ho so cua nguyen van an":                 "ho so cua ***",
		"chưa nhận do hết hạn giấy tờ":            "chưa nhận do hết hạn giấy tờ",
		"chua nhan do van an":                     "chua nhan ***",
		"gặp Le Văn Tám":                          "gặp ***",
		"gặp le văn tám":                          "gặp ***",
		"gặp do văn tám":                          "gặp ***",
		"nhầm với ông Doãn Quốc Bảo":              "nhầm với ông ***",
		"gặp (Doãn Quốc Bảo)":                     "gặp ***",
		"anh Vì Quốc Bảo vắng":                    "anh *** vắng",
		"anh vì văn bảo":                          "anh ***",
		"doan the anh":                            "***",
		"luong huu phuoc nhận thay":               "***", // too much again
		"vắng vì hết hạn thị thực":                "vắng vì hết hạn thị thực",
		"vì thị thực hết hạn, do văn phòng đóng":  "vì thị thực hết hạn, do văn phòng đóng",
		"trong quá trình lưu trú đã trình báo":    "trong quá trình lưu trú đã trình báo",
		"chúng ta đã nhận":                        "chúng ta đã nhận",
		"dự đám tang của mẹ":                      "dự đám tang của mẹ",
		"gặp nguyen văn an":                       "gặp ***",
		"hồ sơ của hồ văn sơn":                    "hồ sơ của ***",
		"chi phí mai táng cho mẹ":                 "chi phí mai táng cho mẹ",
		"thân nhân Mai Thị Lý nhận thay":          "thân nhân *** nhận thay",
		"tăng mức từ tháng 7":                     "tăng mức từ tháng 7",
		"số 001 090 123 456 bị sai":               "số *** bị sai",
		"gọi 0912.345.678 để hỏi":                 "gọi *** để hỏi",
		"hộ chiếu C1234567 hết hạn":               "hộ chiếu *** hết hạn",
		"tài khoản 19036512345678 của con trai":   "tài khoản *** của con trai",
		"theo NguyenVanAn":                        "theo ***",
	} {
		if got := person.Hide(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// Surnames that look like others without their marks are surnames all the same.
func TestASurnameIsHiddenHoweverItIsMarked(t *testing.T) {
	t.Parallel()
	for surname := range strings.FieldsSeq("Doãn Trình Phàn Lã Lô Lỗ Vì Vừ Hờ Chử Lừu Lường Tòng Quản Tằng Chẩu Lỳ Nguyễn Đỗ Hồ Do Ho Le") {
		for _, name := range []string{surname + " Quốc Bảo", surname + " Văn Bảo", strings.ToLower(surname) + " văn bảo", strings.ToUpper(surname + " Quốc Bảo")} {
			if got := person.Hide("phòng của ông " + name); got != "phòng của ông ***" {
				t.Errorf("%s: %s", name, got)
			}
		}
		small := strings.ToLower(surname) + " quốc bảo"
		if got := person.Hide("phòng của ông " + small); got != "phòng của ông ***" && !strings.Contains(" vì do ho ", " "+strings.ToLower(surname)+" ") {
			t.Errorf("%s: %s", small, got)
		}
	}
}
