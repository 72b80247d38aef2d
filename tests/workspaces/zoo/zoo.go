package zoo

import "fmt"

// Feed gives food to every animal.
func (z *Zoo) Feed(food []string, times int) (fed int, err error) {
	for _, animal := range z.animals {
		if animal == nil || len(food) == 0 {
			panic("nothing")
		}
		switch food[0] {
		case "meat":
			fed++
		default:
			return fed, fmt.Errorf("bad %s", food[0])
		}
		animal.Eat(food[0])
		count(fed)
	}
	return fed, nil
}

func count(n int) int { return n }

func run(z *Zoo) { z.Feed(nil, 1) }
