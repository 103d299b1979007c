/** The chart library under the address that the gateway serves it at. */
import uPlot from 'uplot'

// oxlint-disable-next-line import/no-default-export -- it is how uPlot exports itself
export default uPlot
