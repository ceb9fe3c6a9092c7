-- error: 
