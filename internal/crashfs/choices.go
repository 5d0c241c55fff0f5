package crashfs

import "fmt"

// Enumerate calls body once for every combination of answers that choose can give,
// from those of KeepNothing to those of KeepAll. choose(n) returns 0 to n-1. It
// stops after limit calls, and reports whether these were all combinations. Given
// the same answers, body must ask the same questions.
func Enumerate(limit int, body func(choose func(n int) int)) (complete bool) {
	var asked, answers []int // the questions and answers of the run before
	for range limit {
		at := 0
		body(func(n int) int {
			switch {
			case n < 1:
				panic(fmt.Sprintf("crashfs: choose(%d) has no answer", n))
			case at == len(answers):
				asked, answers = append(asked, n), append(answers, 0)
			case asked[at] != n:
				panic(fmt.Sprintf("crashfs: question %d was choose(%d), and is now choose(%d): the body is not deterministic", at, asked[at], n))
			}
			at++
			return answers[at-1]
		})
		if at < len(answers) {
			panic("crashfs: the body asked less than before: it is not deterministic")
		}
		for at > 0 && answers[at-1] == asked[at-1]-1 {
			at--
		}
		if at == 0 {
			return true
		}
		asked, answers = asked[:at], answers[:at]
		answers[at-1]++
	}
	return false
}
