package main

// printStatusJSON prints a line for each stream, and for each finding.
func printStatusJSON(a *app, all []streamStatus) error {
	for _, s := range all {
		lines, err := s.shown(a).JSON()
		if err != nil {
			return err
		}
		a.out.Write(lines)
	}
	return a.out.err
}
