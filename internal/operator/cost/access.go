package cost

import "s3fanout/internal/operator/price"

// Access is what access points and their endpoints in VPCs cost a month besides, in US
// dollars, by how much is moved through them.
type Access struct {
	// Routing is for all that S3 routes, and Least and Most are added where clients come
	// by the internet, by where they are.
	Routing, Least, Most float64
	// Endpoints are for the hours of the endpoints, and EndpointData for all that goes
	// through them.
	Endpoints, EndpointData float64
}

// Access is the price of routing what is uploaded and read through access points, and
// of endpoints in so many subnets.
func (u Usage) Access(read int64, subnets int) Access {
	in, out := float64(u.Objects)*float64(u.Size)/gib, float64(read)/gib
	a := Access{Routing: (in + out) * price.RoutedGiB, EndpointData: (in + out) * price.EndpointGiB}
	a.Least, a.Most = in*price.FromInternetLeast+out*price.ToInternetLeast, (in+out)*price.InternetMost
	a.Endpoints = float64(subnets) * hoursOfMonth * price.EndpointHour
	return a
}

// hoursOfMonth is how AWS's calculator counts a month.
const hoursOfMonth = 730
