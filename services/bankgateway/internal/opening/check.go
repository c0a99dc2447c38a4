package opening

import (
	"regexp"
	"strings"

	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
)

// How the bank's name of the holder compares with ours.
const (
	Match      = "match"
	CloseMatch = "close_match"
	NoMatch    = "no_match"
)

// What a code and a number look like. Both are published or compared, so neither may be a sentence.
var (
	codeShape   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{1,39}$`)
	numberShape = regexp.MustCompile(`^[0-9A-Z]{4,34}$`)
)

// longestName is far beyond any name.
const longestName = 200

// Check refuses a report that makes no sense in itself.
func Check(r bank.AccountOpeningReported) error {
	opened := r.Status == Opened
	switch {
	case r.Status != Opened && r.Status != NeedsInformation && r.Status != Refused:
		return problem.Reject("status_unknown", "the status is none of opened, needs_information and refused", "trạng thái không hợp lệ")
	case !opened && !codeShape.MatchString(r.Reason), opened && r.Reason != "":
		return problem.Reject("reason_unknown", "the reason is missing, is no code, or is given for an account that was opened", "mã lý do không hợp lệ")
	case opened && !numberShape.MatchString(r.AccountNumber):
		return problem.Reject("account_number_malformed", "an account number has 4 to 34 digits and capital letters", "số tài khoản không hợp lệ")
	case opened && (strings.TrimSpace(r.HolderName) == "" || len(r.HolderName) > longestName):
		return problem.Reject("holder_name_missing", "the name of the holder is missing or no name", "thiếu tên chủ tài khoản")
	case !opened && (r.AccountNumber != "" || r.Biometric):
		return problem.Reject("account_not_opened", "there is a number without an account", "có số tài khoản nhưng tài khoản chưa mở")
	}
	return nil
}

// CompareHolder says how the bank's name of the holder compares with ours. The same letters with other accents are close,
// and so is a masked name (N*** V** A**) of which nothing disagrees. Neither opens an account: an officer has to confirm the holder.
func CompareHolder(ours, theirs string) string {
	if strings.ContainsRune(theirs, '*') {
		if fits(vn.Fold(ours), vn.Fold(theirs)) {
			return CloseMatch
		}
		return NoMatch
	}
	switch vn.CompareNames(ours, theirs) {
	case vn.SameName:
		return Match
	case vn.OtherAccents:
		return CloseMatch
	default:
		return NoMatch
	}
}

// fits tells whether a masked name may be this one: as many words, each with its first letter, and the rest where it is shown.
// That is the mask which banks are known to give; of one that hides a whole word an officer could not say whose it is. Banks mask
// with as many stars as they like, so stars say nothing about a length.
func fits(name, masked string) bool {
	words, masks := strings.Fields(name), strings.Fields(masked)
	if len(words) != len(masks) {
		return false
	}
	for i, mask := range masks {
		head, tail := mask, ""
		if star := strings.IndexByte(mask, '*'); star >= 0 {
			head, tail = mask[:star], mask[strings.LastIndexByte(mask, '*')+1:]
		}
		whole := !strings.Contains(mask, "*")
		if head == "" || whole && words[i] != mask || len(head)+len(tail) > len(words[i]) ||
			!strings.HasPrefix(words[i], head) || !strings.HasSuffix(words[i], tail) {
			return false
		}
	}
	return true
}
