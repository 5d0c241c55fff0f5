package football

import (
	"fmt"
	"math/rand/v2"
)

func newTeam(r *rand.Rand) string {
	city := pick(r, cities())
	return fmt.Sprintf(`{"id":"%s","name":"%s %s","short_name":"%s","logo":"https://img.example.com/football/team/%s.png","position":"%d"}`,
		letters(r, 15), pick(r, clubs()), city, city, letters(r, 32), 1+r.IntN(20))
}

func squad(r *rand.Rand) []player {
	squad := make([]player, 8)
	for i := range squad {
		squad[i] = player{letters(r, 15), newName(r)}
	}
	return squad
}

func newName(r *rand.Rand) string { return pick(r, firstNames()) + " " + pick(r, lastNames()) }

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

func countries() []string {
	return []string{"England", "España", "Deutschland", "Italia", "France", "Brasil", "Argentina", "Türkiye", "Česko", "Polska", "日本", "Україна", "Sverige", "Österreich", "Portugal", "México"}
}

func leagues() []string {
	return []string{"Premier League", "First Division", "Second Division", "Cup", "League Cup", "U21 League", "Women's League", "Regional League North", "Regional League South"}
}

func clubs() []string {
	return []string{"FC", "SC", "Athletic", "United", "Sporting", "Dynamo", "Real", "Rapid", "Union", "Olympique", "VfB", "AS"}
}

func cities() []string {
	return []string{"Manchester", "São Paulo", "München", "Kraków", "Göteborg", "Málaga", "Napoli", "Nîmes", "İzmir", "Plzeň", "Львів", "Rosario", "Braga", "Graz", "Leeds", "Sevilla", "Bergamo", "Lens",
		"Curitiba", "Dresden", "Poznań", "Malmö", "Vigo", "Genova", "Brest", "Ankara", "Ostrava", "Одеса", "Córdoba", "Porto", "Linz", "Hull", "横浜", "Guadalajara", "Reading", "Bilbao"}
}

func firstNames() []string {
	return []string{"João", "Luka", "Mateo", "Sven", "Zoë", "André", "Paweł", "Marko", "Yusuf", "Émile", "Kenji", "Oleksandr", "Björn", "Íñigo", "Tomáš", "Luca", "Noah", "Harry", "Diego", "Jonas"}
}

func lastNames() []string {
	return []string{"Silva", "Müller", "García", "Kowalski", "Rossi", "Martin", "Yılmaz", "Novák", "Andersson", "Smith", "Fernández", "Søgård", "Tanaka", "Шевченко", "Pereira", "Huber", "Lefèvre", "Peña", "O'Neill", "Bąk", "Costa", "Weiß", "Moretti", "Dubois"}
}
