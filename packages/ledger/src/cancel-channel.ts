/** Channel on which a job's id is sent when somebody cancels it. */
export const cancelChannel = 'slacktide_cancel';
