package roll

// What a programme's standard is since July 2026, in dong.
const (
	assistance  = 540_000   // Decree 335/2026
	pension     = 650_000   // Hà Nội's own level, which is above the nation's 540,000
	meritorious = 3_012_000 // Decree 321/2026
)

// singleParent is the category that counts by child, and the one that is paid beside another.
const singleParent = "c4"

// kind is a sort of people in a commune: what they were granted, and how old they are.
type kind struct {
	// weight is how many of a thousand they are.
	weight int
	// categories are what they have decisions for.
	categories []string
	// standard is that of the programme, and tenths are the coefficients of the categories at that age, in their order.
	standard int64
	tenths   []int64
	// least and most are their ages.
	least, most int
	// represented is how many of a thousand have a representative.
	represented int
}

// kinds are the people of a commune who get something from a programme; nobody from a programme that there is not.
func kinds(programme string) []kind {
	switch programme {
	case Assistance:
		return assisted()
	case Pension:
		return []kind{{1000, []string{"social_pension"}, pension, []int64{10}, 76, 97, 80}}
	case Meritorious:
		return []kind{{1000, []string{"meritorious"}, meritorious, []int64{10}, 70, 97, 60}}
	}
	return nil
}

// assisted are those who receive social assistance, about as they are in Hà Nội. The two categories which say that
// somebody lives with HIV are left out: a demo is looked at by many.
func assisted() []kind {
	return []kind{
		{290, []string{"c5c"}, assistance, []int64{10}, 81, 97, 120},                      // 80 and older, no pension
		{20, []string{"c5c", "c6_severe"}, assistance, []int64{10, 20}, 81, 97, 300},      // and disabled: the higher counts
		{230, []string{"c6_severe"}, assistance, []int64{15}, 17, 57, 40},                 // severely disabled adults
		{120, []string{"c6_severe"}, assistance, []int64{20}, 61, 79, 80},                 // and the old among them
		{40, []string{"c6_severe"}, assistance, []int64{20}, 1, 13, 1000},                 // and children
		{60, []string{"c6_exceptional"}, assistance, []int64{20}, 17, 57, 600},            // exceptionally severely disabled
		{60, []string{"c6_exceptional"}, assistance, []int64{25}, 61, 96, 600},            // and the old
		{20, []string{"c6_exceptional"}, assistance, []int64{25}, 1, 13, 1000},            // and the children
		{5, []string{"c1"}, assistance, []int64{25}, 0, 1, 1000},                          // children without support
		{35, []string{"c1"}, assistance, []int64{15}, 5, 13, 1000},                        //
		{10, []string{"c2"}, assistance, []int64{15}, 17, 20, 0},                          // who are at school still
		{50, []string{singleParent}, assistance, []int64{10}, 20, 45, 0},                  // poor single parents
		{10, []string{singleParent, "c6_severe"}, assistance, []int64{10, 15}, 20, 45, 0}, // who are disabled: both count
		{38, []string{"c5a"}, assistance, []int64{15}, 61, 77, 50},                        // poor and old without support
		{12, []string{"c5a"}, assistance, []int64{20}, 81, 96, 200},                       // and the oldest
	}
}

func weights(kinds []kind) []int {
	all := make([]int, 0, len(kinds))
	for _, k := range kinds {
		all = append(all, k.weight)
	}
	return all
}

// monthly is what the decisions come to: a single parent's amount is paid beside another, of others the highest counts.
func monthly(k kind, decisions []Decision) int64 {
	var beside, highest int64
	for i, d := range decisions {
		amount := k.standard / 10 * k.tenths[i] * int64(max(d.Children, 1))
		if d.Category == singleParent {
			beside += amount
			continue
		}
		highest = max(highest, amount)
	}
	return beside + highest
}
