package instruction

import "slices"

// reasonKnown tells whether a reason is one of ISO 20022's external codes (ExternalStatusReason1Code and
// ExternalReturnReason1Code) that banks here use. Another one is quarantined: what it would mean for the money, only the
// bank can say.
func reasonKnown(code string) bool {
	_, known := slices.BinarySearch(reasons(), code)
	return known
}

// reasons are sorted.
func reasons() []string {
	return []string{
		"AB05", "AB06", "AB08", "AC01", "AC02", "AC03", "AC04", "AC06", "AC07", "AC13", "AC14", "AG01", "AG03", "AM01", "AM02",
		"AM03", "AM04", "AM05", "AM06", "AM07", "AM09", "AM10", "AM14", "AM21", "BE01", "BE04", "BE05", "BE06", "BE07", "CNOR",
		"CUST", "DNOR", "DT01", "DU01", "DU02", "DU03", "DU04", "DU05", "DUPL", "ED05", "FF01", "FOCR", "FRAD", "LEGL", "MD07",
		"MS02", "MS03", "NARR", "NOAS", "RC01", "RC03", "RC04", "RR01", "RR02", "RR03", "RR04", "RUTA", "TECH", "TM01", "UPAY",
	}
}
